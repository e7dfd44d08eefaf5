import type { Session, SessionPhase } from './session.svelte.ts';

/** How a session stands, in a word. */
const words: Readonly<Record<SessionPhase, string>> = {
  connecting: 'connecting',
  open: 'connected',
  reconnecting: 'reconnecting',
  failed: 'failed',
  ended: 'ended',
};

/** What the browser's own tab is called while a session shows: the machine, and how it stands. */
export function titleOfTab(session: Pick<Session, 'title' | 'phase'> | null): string {
  return session === null ? 'Session' : `${session.title} – ${words[session.phase]}`;
}

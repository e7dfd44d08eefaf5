import { SessionFailure } from '../terminal/failure.ts';
import type { Session } from '../sessions/session.ts';
import type { Shell, ShellHooks } from '../sessions/shell-view.ts';
import type { Share } from './session-shares.ts';

/**
 * A guest's part in somebody else's shell. What they do counts only while its owner's page is there, so that nobody types
 * unseen. Throws a {@link SessionFailure} when there is nothing to come in to.
 */
export function openGuestShell(
  { host, typing, guestUid }: Pick<Share, 'host' | 'typing' | 'guestUid'>,
  { signal, onStalled, onInput, onRefused }: ShellHooks,
): Shell {
  const { shell } = host;
  const picture = shell?.welcome?.({
    ...{ onStalled, onRefused },
    guest: { typing, heard: () => !host.pageAway },
    onInput: (done) => {
      onInput(done);
      host.used(done ? guestUid : null);
    },
  });
  if (!shell || !picture) throw new SessionFailure('gateway', 'closed', 'the session is over');
  signal.addEventListener('abort', () => void picture.close(), { once: true });
  return {
    attach: (viewer) => picture.attach(viewer),
    close: () => picture.close(),
    drained: () => picture.drained(),
    ended: picture.ended,
    hear: (wanted) => picture.hear(wanted),
    hostKey: null,
    resume: () => {}, // a guest's picture waits for nobody
    trustedOnFirstUse: false,
    watchLatency: (callback) => shell.watchLatency(callback),
    write: (fromBrowser) => picture.write(fromBrowser),
  };
}

/** What a guest may come in to. */
export function isOpen({ shell }: Session): boolean {
  return shell?.welcome !== undefined;
}

import type { Uid } from '../../protocol/uid.ts';
import type { SessionStarted, StartSession } from './sessions.ts';

/** Live sessions that are shared with a colleague. protocol.md §28. */
export interface SessionShareVerbs {
  /**
   * Lets one more person into a running session of this vault, and tells them. `untrusted`: their keys changed, compare the
   * fingerprint first; `refused`: the gateway's code.
   */
  shareSession(input: ShareSession): Promise<SessionShareView>;
  /** Takes one share of a session back, or all: who is there by it is out. */
  unshareSession(input: { readonly sessionUid: Uid; readonly shareUid: Uid | null }): Promise<void>;
  /** What this account is invited to now, the newest first. State `invitationsVersion` rises with each change. */
  listInvitedSessions(): Promise<readonly InvitedSession[]>;
  /** Opens a session of one's own on somebody else's, as their invitation allows. As startSession otherwise. */
  joinSession(input: JoinSession): Promise<SessionStarted>;
}

export interface ShareSession {
  readonly sessionUid: Uid;
  readonly guestUid: Uid;
  /** What they do reaches the machine; else they look on. */
  readonly typing: boolean;
  readonly minutes: number;
}

export interface SessionShareView {
  readonly shareUid: Uid;
  readonly guestUid: Uid;
  readonly email: string;
  readonly typing: boolean;
  readonly until: number;
}

export interface InvitedSession {
  readonly shareUid: Uid;
  /** Whose session it is, by the roster. */
  readonly hostEmail: string;
  readonly gatewayUid: Uid;
  /** What they call the machine. */
  readonly title: string;
  readonly typing: boolean;
  readonly until: number;
}

export type JoinSession = Pick<StartSession, 'peerUid' | 'offer'> & { readonly shareUid: Uid };

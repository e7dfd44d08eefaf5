import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type { InvitedSession, SessionShareVerbs, ShareSession } from '../../workers/api.ts';

/** What a test prepares and watches of live sessions that are shared. */
export interface FakeSessionShares extends SessionShareVerbs {
  readonly invitedSessions: InvitedSession[];
  readonly sharedSessions: ShareSession[];
  /** Of every share that was taken back; null: all of a session. */
  readonly unsharedSessions: (Uid | null)[];
  /** The next call about shares ends so. */
  failShares(error: ProtocolError | null): void;
}

/** Shares that nobody takes up. */
export function createFakeSessionShares(emailOf: (uid: Uid) => string): FakeSessionShares {
  const sharedSessions: ShareSession[] = [];
  const unsharedSessions: (Uid | null)[] = [];
  const invitedSessions: InvitedSession[] = [];
  let failure: ProtocolError | null = null;
  const check = () => {
    if (failure) throw failure;
  };
  return {
    ...{ sharedSessions, unsharedSessions, invitedSessions },
    failShares: (error) => void (failure = error),
    shareSession: async (input) => {
      check();
      sharedSessions.push(input);
      const { guestUid, typing, minutes } = input;
      const until = Date.now() + minutes * 60_000;
      return { shareUid: newUid(), guestUid, typing, until, email: emailOf(guestUid) };
    },
    unshareSession: async ({ shareUid }) => {
      check();
      unsharedSessions.push(shareUid);
    },
    listInvitedSessions: async () => invitedSessions,
    joinSession: async () => {
      throw new ProtocolError('unavailable', 'not in the fake');
    },
  };
}

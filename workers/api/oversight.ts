import type { Uid } from '../../protocol/uid.ts';
import type { SessionStarted, StartSession } from './sessions.ts';

/** Administrators who look on at live sessions, and end them, as the owners of gateways let them. protocol.md §29. */
export interface OversightVerbs {
  /** What a gateway of one's own keeps, as one signed it. Throws as {@link GatewayVerbs.readGatewayInfo}. */
  readSessionPolicy(gatewayUid: Uid): Promise<SessionPolicyView>;
  /**
   * Signs the next policy of a gateway of one's own and hands it over; resolves with what the gateway keeps then. `conflict`: it
   * has another one than `version` meanwhile; `untrusted`: somebody's keys changed, compare the fingerprint first.
   */
  setSessionPolicy(input: SetSessionPolicy): Promise<SessionPolicyView>;
  /**
   * Everything that runs over all gateways of the organisation, as they say themselves. Administrators alone. State
   * `liveSessionsVersion` rises when there is something new to ask for.
   */
  listLiveSessions(): Promise<readonly LiveGateway[]>;
  /** Looks on at somebody's session, as the gateway's policy lets. As startSession otherwise. */
  watchSession(input: WatchSession): Promise<SessionStarted>;
  /** Ends somebody's session; they read who did, and why. `refused`: the gateway's code. */
  endLiveSession(input: EndLiveSession): Promise<void>;
}

export interface OverseerView {
  readonly accountUid: Uid;
  /** By the roster; empty: somebody who is in it no more. */
  readonly email: string;
  readonly watch: boolean;
  readonly end: boolean;
  /** They count: administrators, with the keys by which they were named. */
  readonly counts: boolean;
}

export interface SessionPolicyView {
  /** Of the newest that the gateway took; 0: none. */
  readonly version: number;
  /** It counts: signed by keys that its owner still has. */
  readonly counts: boolean;
  readonly overseers: readonly OverseerView[];
  /** Whose session it is, is not told who looks on. */
  readonly silent: boolean;
  readonly listedEndOnly: boolean;
  /** null: there is none. */
  readonly signedAt: number | null;
}

export interface SetSessionPolicy {
  readonly gatewayUid: Uid;
  /** Which one is replaced. */
  readonly version: number;
  readonly overseers: readonly { readonly accountUid: Uid; readonly watch: boolean; readonly end: boolean }[];
  readonly silent: boolean;
  readonly listedEndOnly: boolean;
}

export interface LiveGateway {
  readonly uid: Uid;
  /** As its owner calls it; empty: it does not say so to this account. */
  readonly name: string;
  readonly ownerEmail: string;
  readonly own: boolean;
  /** `unnamed`: its owner has signed no policy by which this account could know it. `failed`: it did not answer, or not as it should. */
  readonly state: 'online' | 'offline' | 'unnamed' | 'failed';
  /** Of `failed`: the code. */
  readonly failure: string | null;
  readonly mayWatch: boolean;
  readonly mayEnd: boolean;
  /** Whose session it is, is not told who looks on there. */
  readonly silent: boolean;
  readonly sessions: readonly LiveSession[];
}

export interface LiveSession {
  readonly uid: Uid;
  /** Whose it is, by the roster; empty: somebody who is in it no more. */
  readonly email: string;
  readonly own: boolean;
  readonly recordUid: Uid | null;
  /** What the machine's record is called in this vault; empty: one that it cannot open. */
  readonly title: string;
  readonly protocol: string;
  readonly startedAt: number;
  readonly recorded: boolean;
  /** Its machine's record lets administrators look on. */
  readonly watchable: boolean;
  /** Who is in it besides: guests by invitation, and who looks on by policy. */
  readonly guests: readonly { readonly email: string; readonly byPolicy: boolean }[];
}

export type WatchSession = Pick<StartSession, 'peerUid' | 'offer'> & {
  readonly gatewayUid: Uid;
  /** Whose session: as {@link LiveSession.uid}. */
  readonly sessionUid: Uid;
};

export interface EndLiveSession {
  readonly gatewayUid: Uid;
  readonly sessionUid: Uid;
  /** One line; empty: none. */
  readonly reason: string;
}

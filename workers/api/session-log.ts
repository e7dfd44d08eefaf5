import type { Uid } from '../../protocol/uid.ts';

/** What happened in sessions and with recordings, by the server's word. */
export interface SessionLogVerbs {
  /**
   * Newest first, at most 100: of own machines, own sessions and those that the account was a guest of; to administrators of
   * everybody in the organisation. `after`: the last one of the page before.
   */
  listSessionLog(input: { filter: SessionLogFilter; after: SessionLogPlace | null }): Promise<SessionLogPage>;
}

/** Each may be null: then it does not matter. */
export interface SessionLogFilter {
  readonly recordUid: Uid | null;
  readonly accountUid: Uid | null;
  readonly group: SessionLogGroupName | null;
  /** From then on, and before then. */
  readonly from: number | null;
  readonly before: number | null;
}

export type SessionLogGroupName = 'sessions' | 'guests' | 'recordings' | 'files';

export interface SessionLogPlace {
  readonly at: number;
  readonly source: number;
  readonly id: number;
}

export interface SessionLogPage {
  readonly entries: readonly SessionLogEntryView[];
  readonly more: boolean;
}

/** `other`: what a newer server knows and this vault does not. */
export type SessionLogKindName =
  | 'opened'
  | 'ended'
  | 'files'
  | 'shared'
  | 'unshared'
  | 'joined'
  | 'left'
  | 'watched'
  | 'watch-over'
  | 'ended-by-administrator'
  | 'policy-set'
  | 'recording-started'
  | 'recording-finished'
  | 'recording-viewed'
  | 'recording-deleted'
  | 'recording-expired'
  | 'auditors-set'
  | 'recording-held'
  | 'recording-released'
  | 'recording-made-room'
  | 'keeping-set'
  | 'other';

export interface SessionLogEntryView {
  readonly place: SessionLogPlace;
  readonly kind: SessionLogKindName;
  readonly recordUid: Uid | null;
  /** Of the machine; empty when this vault does not have it. */
  readonly title: string;
  readonly who: SessionLogPerson | null;
  /** The guest, or who looked on. */
  readonly other: SessionLogPerson | null;
  /** Empty when this vault does not know it. */
  readonly gateway: string;
  readonly sessionUid: Uid | null;
  /** Why a session ended; empty where nobody said. */
  readonly code: string;
  readonly upload: boolean;
  readonly size: number;
  readonly finished: boolean;
  readonly count: number;
  /** Somebody looked on, and whose session it is was not told. */
  readonly silent: boolean;
}

export interface SessionLogPerson {
  readonly uid: Uid;
  /** Empty when they are in the organisation no more. */
  readonly email: string;
}

import type { RecordContent } from '../protocol/records/content.ts';
import type { Uid } from '../protocol/uid.ts';

/**
 * What the page may ask of the worker: verbs. Keys never come back; secret values come back one by one, when a
 * person asks to see or copy them. Every verb rejects with an error whose `name` is a code of protocol/errors.ts.
 */
export interface VaultVerbs {
  /** Calls the listener with the state at once and after every change, until the worker ends. */
  watch(listener: (state: VaultState) => void): Promise<void>;
  /** Calls the listener with every opened signal of running sessions. */
  watchSessions(listener: (event: SessionEvent) => void): Promise<void>;
  getServerInfo(): Promise<ServerInfo>;

  /** 24 words, kept in the worker for the next createAccount. */
  draftRecoveryPhrase(): Promise<string>;
  /** Forgets the drafted phrase: no account is created with it. */
  discardRecoveryPhrase(): Promise<void>;
  /** Registers with the drafted phrase and leaves the vault unlocked. `setupToken`: base64url from the set-up link. */
  createAccount(input: { email: string; password: string; setupToken?: string }): Promise<void>;
  signIn(input: { email: string; password: string }): Promise<void>;
  /** Signs in with the recovery phrase and sets a new master password. */
  recover(input: { email: string; phrase: string; newPassword: string }): Promise<void>;
  /** Opens the encrypted local copy, offline too. Rejects with `wrong-password`. */
  unlock(input: { password: string }): Promise<void>;
  /** Wipes every key from the worker, and from those of the other tabs. */
  lock(): Promise<void>;
  /** Ends the session at the server and erases the local copy. */
  signOut(input?: { everywhere?: boolean }): Promise<void>;
  changePassword(input: { password: string; newPassword: string }): Promise<void>;
  /** Minutes without use until the vault locks itself; 0 is never. The page reports use. */
  setIdleLock(minutes: number): Promise<void>;
  reportUse(): Promise<void>;

  /** Sorted by title; `query` matches title, login, host, URL and type, every word of it. */
  listRecords(filter?: { query?: string; types?: readonly string[] }): Promise<RecordSummary[]>;
  /** The content with secret values withheld. Rejects with `not-found`. */
  readRecord(recordUid: Uid): Promise<RecordView>;
  /** One secret value, for showing or copying. */
  revealField(input: { recordUid: Uid; field: FieldPath }): Promise<string>;
  /** Creates (no uid) or updates. Fields that are still withheld keep their value. Rejects with `conflict` when stale. */
  saveRecord(input: SaveRecord): Promise<Uid>;
  deleteRecord(recordUid: Uid): Promise<void>;
  /** Brings back a deleted record, as long as this device keeps its sealed content: for 30 days. */
  undoDelete(recordUid: Uid): Promise<void>;
  /** What undoDelete can bring back, the last first; `changedAt` is when this device heard of the deletion. */
  listDeletedRecords(): Promise<RecordSummary[]>;
  generatePassword(options: PasswordOptions): Promise<string>;
  syncNow(): Promise<void>;

  listGateways(): Promise<GatewayView[]>;
  /** The token is shown once and not kept. */
  createGateway(input: { name: string }): Promise<{ gatewayUid: Uid; token: string; expiresAt: number }>;
  /** Removes the gateway, its application and its configuration record. */
  deleteGateway(gatewayUid: Uid): Promise<void>;
  readGatewayInfo(gatewayUid: Uid): Promise<GatewayInfoView>;
  listTasks(gatewayUid: Uid): Promise<TaskView[]>;

  /** Signs and seals a connect command, sends it through the router, opens and verifies the gateway's answer. */
  startSession(input: StartSession): Promise<SessionStarted>;
  sendCandidate(input: { sessionUid: Uid; candidate: string; mid: string }): Promise<void>;
  /** Forgets the session's keys and tells the router. The stream's own end is the page's. */
  endSession(sessionUid: Uid): Promise<void>;
  /** Stores the host key in the machine's record. */
  pinHostKey(input: { recordUid: Uid; hostKey: string }): Promise<void>;
}

export interface VaultState {
  readonly phase: 'starting' | 'signed-out' | 'locked' | 'unlocked';
  readonly email: string | null;
  /** The link to the router. */
  readonly link: 'off' | 'connecting' | 'connected';
  readonly syncing: boolean;
  /** Rises whenever listRecords would answer differently. */
  readonly recordsVersion: number;
  /** Rises whenever listGateways would answer differently. */
  readonly gatewaysVersion: number;
  /** Records of which the server gave something that does not open: their former state is kept and shown. */
  readonly refusedRecords: number;
  /** Why the vault locked or signed out by itself, to be said to the person. */
  readonly notice: 'idle' | 'session-ended' | 'password-changed' | 'untrusted-server' | null;
}

export interface ServerInfo {
  readonly version: string;
  readonly needsSetup: boolean;
  readonly openSignUp: boolean;
}

export interface RecordSummary {
  readonly uid: Uid;
  readonly type: string;
  readonly title: string;
  /** Login, host or URL, never a secret. */
  readonly subtitle: string;
  readonly changedAt: number;
  /** A machine with host, gateway and launch credential: Connect may be offered. */
  readonly connectable: boolean;
}

/** `group` and position of a field in the content. */
export interface FieldPath {
  readonly group: 'fields' | 'custom';
  readonly index: number;
}

export interface RecordView {
  readonly uid: Uid;
  readonly revision: number;
  readonly changedAt: number;
  /** Secret fields have an empty value here; `withheld` names those that have one in the vault. */
  readonly content: RecordContent;
  readonly withheld: readonly FieldPath[];
  /** The switch that the router enforces. */
  readonly connectionsAllowed: boolean;
  /** Of a machine: the gateway that its sealed configuration names, null when there is none. */
  readonly gatewayUid: Uid | null;
}

export interface SaveRecord {
  readonly uid?: Uid;
  /** Of the view that was edited. */
  readonly baseRevision?: number;
  readonly content: RecordContent;
  /** Withheld fields that keep their value; others get the value in `content`. */
  readonly withheld?: readonly FieldPath[];
  readonly connectionsAllowed?: boolean;
}

export interface PasswordOptions {
  readonly length: number;
  readonly upper: boolean;
  readonly lower: boolean;
  readonly digits: boolean;
  readonly symbols: boolean;
}

export interface GatewayView {
  readonly uid: Uid;
  readonly name: string;
  readonly configurationUid: Uid;
  readonly status: 'waiting' | 'expired' | 'offline' | 'online' | 'untrusted';
  readonly since: number;
  readonly version: string;
  readonly address: string;
  readonly tokenExpiresAt: number;
}

export interface GatewayInfoView {
  readonly version: string;
  readonly hostname: string;
  readonly system: string;
  readonly startedAt: number;
  readonly memoryUsed: number;
  readonly memoryTotal: number;
  readonly sessions: number;
  readonly guacdAddress: string;
  readonly guacdReachable: boolean;
  readonly rosterVersion: number;
}

export interface TaskView {
  readonly uid: Uid;
  readonly kind: string;
  readonly recordUid: Uid | null;
  readonly startedAt: number;
  readonly protocol: string;
}

export interface StartSession {
  readonly recordUid: Uid;
  readonly peerUid: Uid;
  /** SDP for a new peer connection; null to use an open one. */
  readonly offer: string | null;
  readonly display: { width: number; height: number; dpi: number; timezone: string };
  readonly acceptedHostKey?: string;
}

export interface SessionStarted {
  readonly sessionUid: Uid;
  readonly gatewayUid: Uid;
  readonly answer: string | null;
  /** 16 bytes. */
  readonly streamToken: Uint8Array;
}

export type LegName = 'router' | 'gateway' | 'ice' | 'guacd' | 'target' | 'login';

export type SessionEvent =
  | { readonly kind: 'candidate'; readonly sessionUid: Uid; readonly candidate: string; readonly mid: string }
  | {
      readonly kind: 'progress';
      readonly sessionUid: Uid;
      readonly leg: LegName;
      readonly state: 'started' | 'done';
      readonly atMs: number;
    }
  | {
      readonly kind: 'host-key';
      readonly sessionUid: Uid;
      readonly key: string;
      readonly fingerprint: string;
      readonly trustedOnFirstUse: boolean;
    }
  | {
      readonly kind: 'ended';
      readonly sessionUid: Uid;
      readonly leg: LegName | null;
      readonly code: string;
      readonly message: string;
    };

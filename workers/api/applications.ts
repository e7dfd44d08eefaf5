import type { Uid } from '../../protocol/uid.ts';

/** General applications: scripts and CI that read secrets by the secrets-manager API. */
export interface ApplicationVerbs {
  /** By name. Gateways' applications are not among them. */
  listApplications(): Promise<ApplicationView[]>;
  /** The ways by which applications have that record or shared folder. Asks nothing of the server. */
  listApplicationsOf(objectUid: Uid): Promise<ApplicationWay[]>;
  createApplication(input: { readonly name: string }): Promise<Uid>;
  renameApplication(input: { readonly applicationUid: Uid; readonly name: string }): Promise<void>;
  /** Its devices get nothing from that moment on. Records and folders stay as they are. */
  deleteApplication(applicationUid: Uid): Promise<void>;
  /**
   * Gives it records and shared folders, or changes what it may do there. Throws `not-allowed` for what the account may not
   * share, or of which it may not do what the application is to do.
   */
  shareToApplication(input: ShareToApplication): Promise<void>;
  unshareFromApplication(input: {
    readonly applicationUid: Uid;
    readonly objectUids: readonly Uid[];
  }): Promise<void>;
  listApplicationClients(applicationUid: Uid): Promise<ApplicationClientView[]>;
  /** A device of an application. Token and configuration are shown once and not kept. */
  addApplicationClient(input: NewApplicationClient): Promise<AddedApplicationClient>;
  renameApplicationClient(input: { readonly clientId: string; readonly name: string }): Promise<void>;
  removeApplicationClient(clientId: string): Promise<void>;
  /** What its devices did, the newest first. */
  listApplicationEvents(input: {
    readonly applicationUid: Uid;
    readonly before?: number;
  }): Promise<ApplicationEventPage>;
  /** What applications did that waits for a person's word, or for the application itself. */
  listApplicationChanges(): Promise<ApplicationChangeView[]>;
  /** Does what the application asked for, or turns it down. `conflict`: it changed meanwhile. */
  settleApplicationChange(input: { readonly change: string; readonly accept: boolean }): Promise<void>;
}

export interface ApplicationView {
  readonly uid: Uid;
  readonly name: string;
  readonly createdAt: number;
  readonly shares: readonly ApplicationShareView[];
  readonly clients: number;
  /** Milliseconds; 0: never. */
  readonly lastAccessAt: number;
}

export interface ApplicationShareView {
  readonly uid: Uid;
  readonly kind: 'record' | 'folder';
  /** Of the record or folder as it is now. */
  readonly title: string;
  /** Of a record. */
  readonly recordType: string | null;
  readonly editable: boolean;
  /** Not there yet, or not any more: the copy for applications is being made, or the account may not share it now. */
  readonly state: 'ready' | 'preparing' | 'lost';
  /** Attachments that applications do not get. */
  readonly filesLeftOut: readonly FileLeftOut[];
}

export interface FileLeftOut {
  readonly recordUid: Uid;
  /** Of the record as it is now. */
  readonly recordTitle: string;
  readonly name: string;
  /** Larger than applications read files, or the account's files had no room for their copy of it. */
  readonly reason: 'too-large' | 'no-room';
}

/** An application has something, by itself or with a shared folder that it is in. */
export interface ApplicationWay {
  readonly applicationUid: Uid;
  readonly applicationName: string;
  readonly editable: boolean;
  /** Null: given by itself. */
  readonly folderUid: Uid | null;
  readonly folderName: string;
}

export interface ShareToApplication {
  readonly applicationUid: Uid;
  readonly objects: readonly { readonly uid: Uid; readonly kind: 'record' | 'folder' }[];
  readonly editable: boolean;
}

export interface ApplicationClientView {
  /** Standard base64 of the client id: names it, and is no secret. */
  readonly clientId: string;
  readonly name: string;
  readonly createdAt: number;
  /** Waiting: its token was not used yet. */
  readonly status: 'waiting' | 'token-expired' | 'active' | 'access-expired';
  readonly tokenExpiresAt: number;
  /** 0: never. */
  readonly accessExpiresAt: number;
  readonly lockIp: boolean;
  /** 0: not yet. */
  readonly firstAccessAt: number;
  readonly lastAccessAt: number;
  readonly address: string;
  readonly clientVersion: string;
}

export interface NewApplicationClient {
  readonly applicationUid: Uid;
  readonly name: string;
  readonly lockIp: boolean;
  /** How long the token may wait for its first use, 1 minute to 24 hours. */
  readonly tokenMs: number;
  /** When its access ends; 0: never. */
  readonly accessExpiresAt: number;
  /** A token for the client to bind with, or a whole configuration that needs no binding. */
  readonly form: 'token' | 'configuration';
}

export type AddedApplicationClient =
  | {
      readonly form: 'token';
      readonly clientId: string;
      /** "HOST:TOKEN", or the bare token where the server has a port of its own: clients take it without one only. */
      readonly token: string;
      readonly hostname: string;
      readonly serverPublicKey: string;
      readonly serverPublicKeyId: string;
      readonly expiresAt: number;
    }
  | {
      readonly form: 'configuration';
      readonly clientId: string;
      /** The same as JSON, as base64 of it (`KSM_CONFIG`), and as a Kubernetes Secret with the key `config`. */
      readonly json: string;
      readonly base64: string;
      readonly kubernetes: string;
    };

export interface ApplicationEventPage {
  readonly events: readonly ApplicationEventView[];
  readonly hasMore: boolean;
}

export interface ApplicationEventView {
  readonly at: number;
  /** `app_client_connected` and so on: protocol.md §31. */
  readonly name: string;
  readonly clientId: string;
  readonly clientName: string;
  readonly address: string;
  readonly method: string;
  readonly objectUid: Uid | null;
  /** Of what it was about, when the vault knows it. */
  readonly objectTitle: string;
  readonly count: number;
}

export interface ApplicationChangeView {
  /** Names it for {@link ApplicationVerbs.settleApplicationChange}. */
  readonly change: string;
  /** `transaction`: changed and neither finished nor rolled back; accepting finishes it. `unreadable`: only to be dismissed. */
  readonly kind: 'delete-record' | 'delete-folder' | 'transaction' | 'unreadable';
  readonly applicationUid: Uid;
  readonly applicationName: string;
  readonly clientName: string;
  readonly objectUid: Uid;
  readonly title: string;
  readonly at: number;
}

import type { SessionProtocol, SharingPolicy } from '../../protocol/records/pam-settings.ts';
import type { DetourOffer, DetourVerbs } from './detours.ts';
import type { Uid } from '../../protocol/uid.ts';

/** The signalling half of remote sessions: the page holds the peer connection, the worker the keys. */
export interface SessionVerbs extends DetourVerbs {
  /** Calls the listener with every opened signal of running sessions. */
  watchSessions(listener: (event: SessionEvent) => void): Promise<void>;
  /** The server's STUN and TURN servers for one peer connection, as RTCPeerConnection takes them; none when it has none. */
  iceServers(): Promise<readonly IceServer[]>;
  /** Signs and seals a connect command, sends it through the router, opens and verifies the gateway's answer. */
  startSession(input: StartSession): Promise<SessionStarted>;
  /**
   * Another peer connection for the sessions of a peer that lost its own, signed for by one of them. Gives the gateway's
   * answer. `not-found`, or `refused` with the gateway's code: that session is over.
   */
  resumeSession(input: ResumeSession): Promise<SessionResumed>;
  sendCandidate(input: { sessionUid: Uid; candidate: string; mid: string }): Promise<void>;
  /** Forgets the session's keys and tells the router. The stream's own end is the page's. */
  endSession(sessionUid: Uid): Promise<void>;
  /** How far a session on that machine would come at its gateway, which logs in to nothing. */
  diagnoseMachine(recordUid: Uid): Promise<MachineDiagnosis>;
  /** Stores the host key in the machine's record. */
  pinHostKey(input: { recordUid: Uid; hostKey: string }): Promise<void>;
}

/** Its credentials end soon, and are for this one use. */
export interface IceServer {
  readonly urls: string[];
  readonly username?: string;
  readonly credential?: string;
}

export interface MachineDiagnosis {
  readonly legs: readonly DiagnosedLegView[];
  /** One that ends once it was open. */
  readonly detour: DetourOffer;
}

export interface DiagnosedLegView {
  /** `jump` in place of `target` for a machine behind another. */
  readonly leg: 'guacd' | 'jump' | 'target';
  /** Why it fails, as a session would say; null: it works. */
  readonly code: string | null;
  readonly tookMs: number;
}

export interface StartSession {
  readonly recordUid: Uid;
  readonly peerUid: Uid;
  /** SDP for a new peer connection; null to use an open one. */
  readonly offer: string | null;
  readonly display: {
    readonly width: number;
    readonly height: number;
    readonly dpi: number;
    readonly timezone: string;
    /** In place of what the record says of its terminal. */
    readonly fontSize?: number;
    readonly colorScheme?: string;
  };
  readonly acceptedHostKey?: string;
  /** In place of the launch credential; sealed to the gateway in the command, and kept nowhere. */
  readonly supplied?: SuppliedLogin;
}

export interface ResumeSession {
  readonly sessionUid: Uid;
  readonly peerUid: Uid;
  /** SDP. */
  readonly offer: string;
  /** Rises with each try of that peer. */
  readonly attempt: number;
}

/** What a person gives when a session is opened; each part may be empty. */
export interface SuppliedLogin {
  readonly username: string;
  readonly password: string;
  readonly privateKey: string;
  readonly passphrase: string;
}

export interface SessionResumed {
  readonly answer: string;
  readonly detour: DetourOffer;
}

export interface SessionStarted {
  readonly sessionUid: Uid;
  readonly gatewayUid: Uid;
  readonly answer: string | null;
  /** 16 bytes. */
  readonly streamToken: Uint8Array;
  /** What the gateway holds the session's clipboard to, as it signed: also for who may not read the machine. */
  readonly clipboard: { readonly disableCopy: boolean; readonly disablePaste: boolean };
  /** What the gateway says that it opens. */
  readonly protocol: SessionProtocol;
  /** The session takes on the size of the window. */
  readonly resizes: boolean;
  /** Any certificate of the machine will do, as its record says. */
  readonly certificateIgnored: boolean;
  /** Person, machine and time are to be drawn over the screen, as the record says. */
  readonly watermark: boolean;
  /** Of a new peer connection: how to go through the server in its place; null where an open one is used. */
  readonly detour: DetourOffer | null;
  /** What the gateway records of the session, as it signed; null: nothing. */
  readonly recording: RecordingNotice | null;
  /** So long the gateway waits for a page that lost its connection; 0: not at all. */
  readonly resumeMs: number;
  /** How the session may be shared, as the gateway says. */
  readonly sharing: SharingPolicy;
  /** Of somebody else's session: what one is in it; null: it is one's own. */
  readonly guest: GuestPart | null;
  /** The machine's files, as the gateway lets the session have them; null: none. */
  readonly files: SessionFilesNotice | null;
  /** null: nothing. */
  readonly missing: MissingParts | null;
  /** Administrators may look on at it, as the gateway says; `silent`: unseen. null: none may. */
  readonly watch: { readonly silent: boolean } | null;
}

/** Somebody who is in a session that is not theirs, as the gateway says. */
export interface SessionGuest {
  readonly accountUid: Uid;
  readonly shareUid: Uid;
  readonly email: string;
  /** What they do reaches the machine; else they look on. */
  readonly typing: boolean;
  readonly since: number;
  /** They look on by the gateway's policy: nobody's to take back here. */
  readonly byPolicy: boolean;
}

export interface GuestPart {
  /** Whose session it is. */
  readonly hostEmail: string;
  /** What one does reaches the machine; else one looks on. */
  readonly typing: boolean;
  readonly until: number;
  /** One looks on by the gateway's policy, not by an invitation. `silent`: whose session it is, is not told. */
  readonly byPolicy: boolean;
  readonly silent: boolean;
}

export interface SessionFilesNotice {
  /** 16 bytes: opens streams for files on the session's peer connection. */
  readonly token: Uint8Array;
  /** Whether anything may be changed, and whether what is in files may be read. */
  readonly upload: boolean;
  readonly download: boolean;
  /** Of a drive that the machine sees while the session lasts: its name there; empty: they are the machine's own. */
  readonly drive: string;
}

/** What the record has, and the gateway cannot do. */
export interface MissingParts {
  readonly drive: boolean;
  readonly sound: boolean;
}

export interface RecordingNotice {
  readonly graphical: boolean;
  readonly text: boolean;
  readonly keys: boolean;
  readonly clipboard: boolean;
  /** It should be, and cannot be: the session goes on all the same. */
  readonly failed: boolean;
  /** The server has no room for it: it waits at the gateway. */
  readonly waiting: boolean;
}

export type LegName = 'router' | 'gateway' | 'ice' | 'guacd' | 'jump' | 'target' | 'login';

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
  | { readonly kind: 'recording-stopped'; readonly sessionUid: Uid }
  | { readonly kind: 'recording-waits'; readonly sessionUid: Uid; readonly waits: boolean }
  /** Everybody who is a guest in it now. */
  | { readonly kind: 'guests'; readonly sessionUid: Uid; readonly guests: readonly SessionGuest[] }
  /** A limit of the record is about to end it; `leftMs` 0: not any more. */
  | {
      readonly kind: 'ending-soon';
      readonly sessionUid: Uid;
      readonly code: string;
      readonly leftMs: number;
    }
  | {
      readonly kind: 'ended';
      readonly sessionUid: Uid;
      readonly leg: LegName | null;
      readonly code: string;
      readonly message: string;
      /** What the administrator wrote who ended it; may be empty. */
      readonly reason: string;
    };

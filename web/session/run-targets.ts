// What one attempt at a session is given, and whom it tells.
import type { ConnectionSettings } from '../../protocol/records/pam-settings.ts';
import type { Uid } from '../../protocol/uid.ts';
import type {
  InvitedSession,
  RecordingNotice,
  RecordView,
  SessionGuest,
  SessionStarted,
  SuppliedLogin,
  VaultVerbs,
} from '../../workers/api.ts';
import type { SessionFailure } from './failures/failures.ts';
import type { FileAccess } from './files/session-files.svelte.ts';
import type { PeerConnections } from './way/peer-connections.ts';
import type { RemoteScreen, ScreenPolicy, ScreenTargets } from './screen/remote-screen.ts';
import type { SessionEvents } from './session-events.ts';

export interface HostKeyOffer {
  readonly key: string;
  readonly fingerprint: string;
  readonly trustedOnFirstUse: boolean;
}

/** What a run needs, shared by all sessions. */
export interface SessionServices {
  readonly verbs: VaultVerbs;
  readonly peers: PeerConnections;
  readonly events: SessionEvents;
}

/** How a session is shown and held, by the record and by what the gateway says that it opened. */
export type SessionPolicy = ConnectionSettings &
  ScreenPolicy &
  Pick<SessionStarted, 'certificateIgnored' | 'watermark'>;

/** What is opened: a machine, or somebody else's session on one, by their invitation. */
export interface RunSubject {
  readonly recordUid: Uid;
  readonly invited?: Pick<GuestPlace, 'shareUid' | 'gatewayUid' | 'watched'>;
}

/** Where one is in somebody else's session. */
export interface GuestPlace extends InvitedSession {
  /** As an administrator who looks on, at that session; else by the invitation. */
  readonly watched?: Uid;
}

/** What a person has said before the session opens. */
export interface Answers {
  readonly acceptedHostKey?: string;
  readonly supplied?: SuppliedLogin;
}

export interface RunTargets extends Omit<ScreenTargets, 'failed'> {
  readonly screen: (screen: RemoteScreen, policy: SessionPolicy) => void;
  /** Whether this person may give a login of their own, as far as the page can know. */
  readonly maySupply: (may: boolean) => void;
  /** What this person may do with the record. */
  readonly access: (access: RecordView['access']) => void;
  readonly hostKey: (offer: HostKeyOffer) => void;
  /** What is recorded of the session, from before anything of it is shown. */
  readonly recording: (notice: RecordingNotice) => void;
  readonly recordingStopped: () => void;
  /** The server has no room for the recording, or has some again. */
  readonly recordingWaits: (waits: boolean) => void;
  /** A limit of the record is about to end it; 0: not any more. */
  readonly endingSoon: (code: string, leftMs: number) => void;
  /** The machine's files, from the moment when they can be asked for; not called when there are none. */
  readonly files: (access: FileAccess) => void;
  /** The gateway has opened it: how it may be shared, and what one is in somebody else's. */
  readonly started: (started: SessionStarted) => void;
  /** Everybody else who is in it now. */
  readonly guests: (guests: readonly SessionGuest[]) => void;
  readonly targetRtt: (milliseconds: number) => void;
  /** The way to the gateway is lost, and another is looked for: nothing arrives meanwhile, in either direction. */
  readonly away: () => void;
  /** It was found, and nothing was lost. */
  readonly back: () => void;
  /** Called once; nothing else is called after it. */
  readonly ended: (failure: SessionFailure) => void;
}

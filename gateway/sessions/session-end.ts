import { Leg } from '../../protocol/messages/gen/session_pb.js';
import type { HostKey, SessionFailure, SessionLeg } from '../terminal/failure.ts';

/** Why a session is over, as both ends are told. `closed` is a normal end. */
export interface SessionEnd {
  readonly leg: Leg;
  readonly code: string;
  readonly message: string;
  /** What the target showed, when that is why. */
  readonly hostKey?: HostKey;
  /** The address of who took the access back, or of the administrator who ended it: the page is told it in place of the message, the log is not. */
  readonly by?: string;
  /** What that administrator wrote, for the page alone. */
  readonly reason?: string;
}

export const legOf: Readonly<Record<SessionLeg, Leg>> = {
  gateway: Leg.GATEWAY,
  guacd: Leg.GUACD,
  jump: Leg.JUMP,
  target: Leg.TARGET,
  login: Leg.LOGIN,
};

export const ends = {
  closedByPage: { leg: Leg.GATEWAY, code: 'closed', message: 'the page ended the session' },
  closedByCommand: {
    leg: Leg.GATEWAY,
    code: 'ended-by-command',
    message: 'the session was ended by command',
  },
  accessEnded: {
    leg: Leg.GATEWAY,
    code: 'access-ended',
    message: 'the time for which the record was shared is over',
  },
  accessTakenBack: {
    leg: Leg.GATEWAY,
    code: 'access-taken-back',
    message: 'the access was taken back',
  },
  accessNotRenewed: {
    leg: Leg.GATEWAY,
    code: 'access-not-renewed',
    message: 'the vault did not show its access again',
  },
  signedOut: {
    leg: Leg.GATEWAY,
    code: 'signed-out',
    message: 'the vault that opened the session was signed out',
  },
  memberGone: {
    leg: Leg.GATEWAY,
    code: 'access-ended',
    message: 'whoever opened the session is in the organisation no more',
  },
  idle: { leg: Leg.GATEWAY, code: 'idle-timeout', message: 'there was no input for as long as may be' },
  longest: { leg: Leg.GATEWAY, code: 'time-limit', message: 'the session lasted as long as it may' },
  shareTakenBack: {
    leg: Leg.GATEWAY,
    code: 'share-taken-back',
    message: 'whose session it is took the invitation back',
  },
  shareOver: { leg: Leg.GATEWAY, code: 'share-over', message: 'the time of the invitation is over' },
  watchOver: {
    leg: Leg.GATEWAY,
    code: 'watch-over',
    message: 'the policy of the gateway does not let them look on any more',
  },
  joinedAgain: { leg: Leg.GATEWAY, code: 'joined-again', message: 'the guest joined by another page' },
  hostLeft: { leg: Leg.GATEWAY, code: 'host-left', message: 'whose session it is has ended it' },
  streamNotOpened: {
    leg: Leg.ICE,
    code: 'stream-not-opened',
    message: 'the page did not come for its session',
  },
  peerLost: { leg: Leg.ICE, code: 'peer-lost', message: 'the connection to the page is gone' },
  pageStalled: { leg: Leg.ICE, code: 'browser-silent', message: 'the page took nothing for too long' },
  recordingFailed: {
    leg: Leg.GATEWAY,
    code: 'recording-failed',
    message: 'the session must be recorded, and its recording failed',
  },
  recordingNoRoom: {
    leg: Leg.GATEWAY,
    code: 'recording-no-room',
    message: 'the session must be recorded, and there is no room at the server or here',
  },
  gatewayStopping: { leg: Leg.GATEWAY, code: 'gateway-stopping', message: 'the gateway is being stopped' },
  internal: { leg: Leg.GATEWAY, code: 'internal', message: 'the gateway failed' },
} as const satisfies Readonly<Record<string, SessionEnd>>;

export function endOfFailure({ leg, code, message, hostKey }: SessionFailure): SessionEnd {
  return { leg: legOf[leg], code, message, ...(hostKey && { hostKey }) };
}

/** The legs of a session that the gateway can name, in the words of session.proto. */
export type SessionLeg = 'gateway' | 'guacd' | 'jump' | 'target' | 'login';

/** Why a session ended or never began. `closed` is a normal end; everything else says what to look at. */
export const failureCodes = [
  'closed',
  'cancelled',
  // guacd
  'guacd-unreachable',
  'guacd-timed-out',
  'guacd-lost',
  'guacd-busy',
  'guacd-error',
  'guacamole-malformed',
  // the way to the target
  'name-not-found',
  'target-refused',
  'target-unreachable',
  'target-timed-out',
  'target-lost',
  'target-closed',
  'target-error',
  'target-protocol',
  'host-key-mismatch',
  'host-key-unknown',
  'security-refused',
  'certificate-untrusted',
  'drive-failed',
  'drive-full',
  // through a jump machine
  'forwarding-refused',
  'certificate-unchecked',
  // logging in
  'login-refused',
  'login-blocked',
  'login-question',
  'credential-needed',
  'key-unreadable',
  'passphrase-wrong',
  // the browser's side
  'browser-silent',
  // of a guest
  'host-left',
] as const;

export type FailureCode = (typeof failureCodes)[number];

/** The public half of a host key as it is pinned ("type base64") and as it is read aloud (SHA256:…). */
export interface HostKey {
  readonly key: string;
  readonly fingerprint: string;
}

/** A session's end with its leg. The message is for people and holds nothing secret. */
export class SessionFailure extends Error {
  readonly leg: SessionLeg;
  readonly code: FailureCode;
  /** With `host-key-mismatch` and `host-key-unknown`: what the target showed. */
  readonly hostKey: HostKey | null;

  constructor(leg: SessionLeg, code: FailureCode, message: string = code, hostKey: HostKey | null = null) {
    super(message);
    this.name = code;
    this.leg = leg;
    this.code = code;
    this.hostKey = hostKey;
  }
}

/**
 * Gives what `start` delivers, unless time runs out or the owner gives up first; `start` gets a signal for
 * letting go of what it holds.
 */
export async function withDeadline<T>(
  milliseconds: number,
  owner: AbortSignal,
  onTimeout: () => SessionFailure,
  start: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(milliseconds);
  const signal = AbortSignal.any([owner, timeout]);
  try {
    return await start(signal);
  } catch (error) {
    if (timeout.aborted && !owner.aborted) throw onTimeout();
    throw error;
  }
}

/**
 * Every way in which the protocol says no. The code is also the error's `name`, because comlink carries
 * name, message and stack across the worker boundary and drops everything else.
 */
export const errorCodes = [
  // bytes and envelopes
  'malformed', // not the documented byte layout, or not canonical
  'too-large', // over a bound of limits.ts
  'open-failed', // one opaque answer to every failed opening: wrong key, object, purpose or tampering
  'bad-signature',
  'unsupported-version',
  'key-exhausted', // a key reached its message limit
  'weak-parameters', // a KDF or login parameter under the floor or over the ceiling compiled in
  // transmission and API
  'unknown-server-key',
  'replayed',
  'expired',
  'not-signed-in',
  'login-refused', // uniform: unknown account and wrong password look the same
  'login-too-old', // this needs a login within the last minutes
  'device-revoked', // the key of this device is not accepted any more
  'not-allowed',
  'not-found',
  'held', // somebody wants it kept: released first, it goes
  'conflict', // stale revision, or a name already taken
  'limit-reached', // a quota of the account, record or gateway
  'too-many-requests',
  'unavailable',
  'store-full', // the server's disk, or its store of chunks, has no room
  'internal',
  // router
  'gateway-unknown',
  'gateway-offline',
  'gateway-busy',
  'refused', // the gateway said no; the message has its code
  'timed-out',
  'jump-unusable', // the machine through which another is to be reached cannot be one
  // channel and guacamole
  'flow-violation', // more bytes than granted, unknown stream, wrong frame order
  'guacamole-malformed',
  // client side
  'locked',
  'offline',
  'storage-full', // this device has no room for the vault's copy
  'wrong-password',
  'untrusted', // a pinned key, certificate, roster or server identity does not fit
  'cancelled',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

const known: ReadonlySet<string> = new Set(errorCodes);

/** The one error class of the protocol. `message` is lower case and holds no secret, plaintext, key or token. */
export class ProtocolError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string = code) {
    super(message);
    this.code = code;
    this.name = code;
  }
}

/** Tells whether a text that came from outside is one of our codes. */
export function isErrorCode(text: string): text is ErrorCode {
  return known.has(text);
}

/** Rebuilds the class after comlink or the wire reduced it to name and message. Returns null for a foreign error. */
export function toProtocolError(error: unknown): ProtocolError | null {
  if (error instanceof ProtocolError) return error;
  if (error instanceof Error && isErrorCode(error.name)) return new ProtocolError(error.name, error.message);
  return null;
}

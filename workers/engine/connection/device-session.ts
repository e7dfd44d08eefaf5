import { copy, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Session } from '../../../protocol/messages/gen/account_pb.js';

/** A session of this device at the server: of use only together with the device key. */
export interface DeviceSession {
  readonly token: Bytes;
  readonly expiresAtMs: number;
}

/** Throws `malformed` when the server gave none. */
export function readSession(session: Session | undefined): DeviceSession {
  if (session?.sessionToken.length !== 32) throw new ProtocolError('malformed', 'no session');
  return { token: copy(session.sessionToken), expiresAtMs: Number(session.expiresAtMs) };
}

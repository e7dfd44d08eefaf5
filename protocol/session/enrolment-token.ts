import { ByteReader, concat, encodeBase64url, parseBase64url, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { uidBytes, uidOf, type Uid } from '../uid.ts';

/**
 * What an administrator carries to the gateway's machine (protocol.md §10.2):
 * "sallyport1_" ‖ base64url(token(32) ‖ gateway uid(16) ‖ configuration uid(16) ‖ server identity(32)).
 * The token is the secrets-manager one-time token; the rest pins whom the gateway may believe.
 */
export interface EnrolmentToken {
  readonly token: Bytes;
  readonly gatewayUid: Uid;
  readonly configurationUid: Uid;
  /** SHA-256 of the server's identity key. */
  readonly serverIdentity: Bytes;
}

const prefix = 'sallyport1_';

/** Text of a token, to be shown once. */
export function encodeEnrolmentToken(parts: EnrolmentToken): string {
  const { token, gatewayUid, configurationUid, serverIdentity } = parts;
  return (
    prefix + encodeBase64url(concat(token, uidBytes(gatewayUid), uidBytes(configurationUid), serverIdentity))
  );
}

/** Inverse of {@link encodeEnrolmentToken}. Throws `malformed`. */
export function parseEnrolmentToken(text: string): EnrolmentToken {
  const trimmed = text.trim();
  if (!trimmed.startsWith(prefix)) throw new ProtocolError('malformed', 'not a gateway enrolment token');
  const reader = new ByteReader(parseBase64url(trimmed.slice(prefix.length)));
  const parts = {
    token: reader.take(32),
    gatewayUid: uidOf(reader.take(16)),
    configurationUid: uidOf(reader.take(16)),
    serverIdentity: reader.take(32),
  };
  reader.end();
  return parts;
}

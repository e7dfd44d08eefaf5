import { utf8, type Bytes } from '../bytes.ts';
import { aesKeyLength } from '../crypto/aes-gcm.ts';
import { hmacSha512 } from '../crypto/hash.ts';
import { ProtocolError } from '../errors.ts';

export const clientIdLength = 64;

const message = utf8('KEEPER_SECRETS_MANAGER_CLIENT_ID');

/**
 * HMAC-SHA-512(one-time token, fixed text), 64 bytes: names a client without telling its token. protocol.md §10.5.
 * Throws `malformed` for a token that is not 32 bytes.
 */
export function clientIdOf(token: Uint8Array): Bytes {
  if (token.length !== aesKeyLength) throw new ProtocolError('malformed', 'a one-time token has 32 bytes');
  return hmacSha512(token, message);
}

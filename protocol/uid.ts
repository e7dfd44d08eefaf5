import { encodeBase64url, parseBase64url, type Bytes } from './bytes.ts';
import { ProtocolError } from './errors.ts';

/** 16 random bytes in base64url without padding, 22 characters. Public: a UID names, it never authorises. */
export type Uid = string & { readonly __uid: unique symbol };

const byteLength = 16;

/** A new random UID. */
export function newUid(): Uid {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(byteLength))) as Uid;
}

/** Text from outside as a UID. Throws `malformed` when it is not exactly 16 bytes in canonical base64url. */
export function parseUid(text: string): Uid {
  return uidOf(parseBase64url(text));
}

/** The UID of 16 bytes. Throws `malformed` on any other length. */
export function uidOf(bytes: Uint8Array): Uid {
  if (bytes.length !== byteLength) throw new ProtocolError('malformed', 'a uid has 16 bytes');
  return encodeBase64url(bytes) as Uid;
}

/** The 16 bytes of a UID. */
export function uidBytes(uid: Uid): Bytes {
  return parseBase64url(uid);
}

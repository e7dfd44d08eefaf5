import { concat, decodeBase64, equal, utf8, type Bytes } from '../bytes.ts';
import { hmacSha256 } from '../crypto/hash.ts';
import { ProtocolError } from '../errors.ts';

/**
 * What a password-protected Bitwarden export is sealed with: AES-256-CBC under HMAC-SHA-256, keys from PBKDF2. A
 * foreign file format fixes it and nothing of ours may use it; an architecture rule keeps it to the importer.
 * There is no sealing in here: such files are only ever read.
 */
export interface BitwardenKeys {
  readonly encryption: Bytes;
  readonly authentication: Bytes;
}

const keyLength = 32;
const ivLength = 16;
const blockLength = 16;

/** PBKDF2-HMAC-SHA-256, 32 bytes. The caller bounds the iterations. */
export async function deriveBitwardenPbkdf2(
  password: string,
  salt: Bytes,
  iterations: number,
): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', utf8(password), 'PBKDF2', false, ['deriveBits']);
  const algorithm = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, keyLength * 8));
}

/** Both keys from the derived one: HKDF-Expand (RFC 5869 §2.3) without extract, one block each. */
export function stretchBitwardenKey(derived: Bytes): BitwardenKeys {
  const expand = (info: string) => hmacSha256(derived, concat(utf8(info), Uint8Array.of(1)));
  return { encryption: expand('enc'), authentication: expand('mac') };
}

/**
 * Opens "2.iv|ciphertext|mac" (three base64 texts), mac over iv ‖ ciphertext, checked before anything is decrypted.
 * Throws `malformed` for another form, `open-failed` whatever else the cause.
 */
export async function openBitwardenString(keys: BitwardenKeys, text: string): Promise<Bytes> {
  const [iv, ciphertext, mac] = partsOf(text);
  if (!equal(hmacSha256(keys.authentication, concat(iv, ciphertext)), mac))
    throw new ProtocolError('open-failed');
  const key = await crypto.subtle.importKey('raw', keys.encryption, 'AES-CBC', false, ['decrypt']);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-CBC', iv }, key, ciphertext));
  } catch {
    throw new ProtocolError('open-failed');
  }
}

function partsOf(text: string): readonly [iv: Bytes, ciphertext: Bytes, mac: Bytes] {
  const parts = text.startsWith('2.') ? text.slice(2).split('|').map(decodeBase64) : [];
  const [iv, ciphertext, mac] = parts;
  const fits =
    parts.length === 3 &&
    iv?.length === ivLength &&
    mac?.length === keyLength &&
    ciphertext !== undefined &&
    ciphertext.length >= blockLength &&
    ciphertext.length % blockLength === 0;
  if (!fits) throw new ProtocolError('malformed', 'not a sealed text of type 2');
  return [iv, ciphertext, mac];
}

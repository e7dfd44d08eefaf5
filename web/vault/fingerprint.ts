/** Of a certificate in place of a host key. */
const certificateType = 'x509';

/**
 * What a pin ("type base64") is read aloud by: SHA256:… of a public host key, as ssh-keygen prints it, and 12:AB:… of a
 * certificate, as Windows and openssl do; null for what is neither.
 */
export async function fingerprintOf(pin: string): Promise<string | null> {
  const [type, base64 = ''] = pin.split(' ');
  const blob = decode(base64);
  if (blob === null) return null;
  // A public value shown to a person: no key of ours is involved, so this needs no worker.
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', blob));
  return type === certificateType ? inPairs(digest) : `SHA256:${inBase64(digest)}`;
}

function inPairs(digest: Uint8Array): string {
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
}

function inBase64(digest: Uint8Array): string {
  return btoa(String.fromCharCode(...digest)).replace(/=+$/, '');
}

function decode(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return base64 === '' ? null : Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return null; // not base64, so not a key
  }
}

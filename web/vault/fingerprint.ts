/** SHA256:… of a public host key ("type base64"), as ssh-keygen prints it; null for what is no such key. */
export async function fingerprintOf(hostKey: string): Promise<string | null> {
  const blob = decode(hostKey.split(' ')[1] ?? '');
  if (blob === null) return null;
  // A public value shown to a person: no key of ours is involved, so this needs no worker.
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', blob));
  return `SHA256:${btoa(String.fromCharCode(...digest)).replace(/=+$/, '')}`;
}

function decode(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return base64 === '' ? null : Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return null; // not base64, so not a key
  }
}

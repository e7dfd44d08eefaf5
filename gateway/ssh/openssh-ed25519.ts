import type { KeyObject } from 'node:crypto';

/** An Ed25519 private key as unencrypted OpenSSH text (PROTOCOL.key §1–3), the only form that ssh2 reads. */
export function encodeEd25519(key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' });
  const secret = Buffer.from(d, 'base64url');
  const open = Buffer.from(x, 'base64url');
  const publicBlob = Buffer.concat([field('ssh-ed25519'), field(open)]);
  const check = Buffer.alloc(8); // the same number twice; it only tells a wrong passphrase
  const inner = [check, publicBlob, field(Buffer.concat([secret, open])), field('')];
  const outer = [
    Buffer.from('openssh-key-v1\0'),
    ...[field('none'), field('none'), field('')], // cipher, kdf, kdf options
    Buffer.from([0, 0, 0, 1]), // one key
    field(publicBlob),
    field(pad(Buffer.concat(inner))),
  ];
  const lines =
    Buffer.concat(outer)
      .toString('base64')
      .match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----'].join('\n');
}

function field(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** 1, 2, 3 … up to the block size of no cipher, 8. */
function pad(inner: Buffer): Buffer {
  const missing = (8 - (inner.length % 8)) % 8;
  return Buffer.concat([inner, Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, missing))]);
}

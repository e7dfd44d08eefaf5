import { createCipheriv } from 'node:crypto';
import { concat, context, hex, hkdf, seed, uid, uint64 } from './independent.ts';
import { damage, failing } from './mutations.ts';

const none = new Uint8Array(0);
const [account, file] = [uid('account of a secret file'), uid('secret file')];
const attachmentKey = seed('key of an attachment');

function keyOf(of = file, by = account, key = attachmentKey): Uint8Array {
  return hkdf(key, none, context('sallyport/v1/secret-file-key', by.text, of.text));
}

function nonceOf(key: Uint8Array, size: number): Uint8Array {
  return hkdf(key, none, context('sallyport/v1/secret-file-nonce', uint64(size)), 12);
}

function blobOf(key: Uint8Array, content: Uint8Array): Uint8Array {
  const nonce = nonceOf(key, content.length);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return concat(nonce, cipher.update(content), cipher.final(), cipher.getAuthTag());
}

/** §31.5 */
export function secretFiles(): object[] {
  const made = (name: string, size: number, of = file, by = account, raw = attachmentKey) => {
    const [key, content] = [keyOf(of, by, raw), seed('content of a secret file', size)];
    const base = { name, key: hex(raw), accountUid: by.text, fileUid: of.text, content: hex(content) };
    return { ...base, derived: hex(key), sealed: hex(blobOf(key, content)) };
  };
  const base = made('', 40);
  return [
    made('an empty file', 0),
    made('a file of one byte', 1),
    made('a file of a block', 16),
    made('a file of several blocks and a little', 100),
    made('another file', 40, uid('another secret file')),
    made('for another account', 40, file, uid('another account of secret files')),
    made('of another attachment key', 40, file, account, seed('key of another attachment')),
    ...failing(
      damage(blobOf(keyOf(), seed('content of a secret file', 40)), { nonce: 0, ciphertext: 12, tag: -1 }),
      'sealed',
      base,
      'open-failed',
    ),
  ];
}

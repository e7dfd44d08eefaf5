import { expect } from 'vitest';
import { concat, encodeHex, parseHex, type Bytes } from '../../protocol/bytes.ts';
import { openUnverifiedBlob, sealSecretBlob } from '../../protocol/secrets-manager/blob-stream.ts';
import {
  openSecretFile,
  secretFileKeyOf,
  secretFileNonceOf,
} from '../../protocol/secrets-manager/secret-seal.ts';
import type { Uid } from '../../protocol/uid.ts';
import { runVectors } from './cases.ts';
import files from './secret-files.json' with { type: 'json' };

interface SecretFile {
  readonly key: string;
  readonly accountUid: Uid;
  readonly fileUid: Uid;
  readonly content: string;
  readonly derived: string;
  readonly sealed: string;
}

async function* piecesOf(bytes: Bytes): AsyncGenerator<Bytes, void, void> {
  for (let at = 0; at < bytes.length; at += 13) yield bytes.slice(at, at + 13);
}

async function whole(pieces: AsyncIterable<Bytes>): Promise<Bytes> {
  const all: Bytes[] = [];
  for await (const piece of pieces) all.push(piece);
  return concat(...all);
}

runVectors<SecretFile>('files of applications', files, async (vector) => {
  const key = secretFileKeyOf(parseHex(vector.key), vector.accountUid, vector.fileUid);
  expect(encodeHex(key)).toBe(vector.derived);
  const sealed = parseHex(vector.sealed);
  const opened = await whole(openUnverifiedBlob(key, piecesOf(sealed)));
  expect(encodeHex(opened)).toBe(vector.content);
  expect(await openSecretFile(key, sealed)).toEqual(opened);
  const made = sealSecretBlob(key, secretFileNonceOf(key, opened.length), piecesOf(opened));
  expect(encodeHex(await whole(made))).toBe(vector.sealed);
});

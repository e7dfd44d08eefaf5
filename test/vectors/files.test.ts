import { expect } from 'vitest';
import { encodeHex, parseHex } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import type { Uid } from '../../protocol/uid.ts';
import { openFileChunk } from '../../protocol/vault/file-seal.ts';
import {
  deriveShareLinkKeys,
  encodeShareLink,
  openSharedContent,
  parseShareLink,
} from '../../protocol/vault/share-link.ts';
import { runVectors } from './cases.ts';
import fileChunks from './file-chunks.json' with { type: 'json' };
import shareLinks from './share-links.json' with { type: 'json' };

interface Chunk {
  readonly key: string;
  readonly recordUid: Uid;
  readonly fileUid: Uid;
  readonly size: number;
  readonly index: number;
  readonly sealed: string;
  readonly plaintext: string;
}

runVectors<Chunk>('chunk of a file', fileChunks, async (vector) => {
  const { recordUid, fileUid, size, index } = vector;
  const key = await SymmetricKey.import(parseHex(vector.key));
  const opened = await openFileChunk(key, { recordUid, fileUid }, size, index, parseHex(vector.sealed));
  expect(encodeHex(opened)).toBe(vector.plaintext);
});

interface Link {
  readonly link: string;
  readonly tokenHash: string;
  readonly sealed: string;
  readonly content: object;
}

runVectors<Link>('share link', shareLinks, async ({ link, tokenHash, sealed, content }) => {
  const secret = parseShareLink(link);
  expect(encodeShareLink(secret)).toBe(link);
  const { accessToken, contentKey } = await deriveShareLinkKeys(secret);
  expect(await openSharedContent(contentKey, secret.linkUid, parseHex(sealed))).toEqual(content);
  expect(encodeHex(sha256(accessToken))).toBe(tokenHash);
});

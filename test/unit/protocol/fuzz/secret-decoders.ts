import { concat, equal, utf8, type Bytes } from '../../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { decodeMessage } from '../../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../../protocol/messages/encode.ts';
import * as secrets from '../../../../protocol/messages/gen/secrets_pb.js';
import { openUnverifiedBlob } from '../../../../protocol/secrets-manager/blob-stream.ts';
import {
  sealLegacyBlob,
  sealLegacyCbc,
  sealLegacyEcies,
} from '../../../../protocol/secrets-manager/legacy-crypto.ts';
import {
  openOwnerKey,
  openSecretFile,
  openSecretFolderName,
  openSecretJson,
  sealSecretFolderName,
  sealSecretJson,
  unwrapSecretKey,
  unwrapSubfolderKey,
  wrapSecretKey,
  wrapSubfolderKey,
} from '../../../../protocol/secrets-manager/secret-seal.ts';
import type { Decoder } from './decoders.ts';

const key: Bytes = new Uint8Array(32).fill(3);
const owner = generateEcdhKeyPair();
const uid = new Uint8Array(16).fill(5);
const wrap = new Uint8Array(60).fill(6);
const plain = encodeMessage(secrets.SecretVersionSchema, {
  ...{ recordUid: uid, baseRevision: 3n, keyVersion: 1, data: wrap },
  keys: [{ holderUid: uid, wrappedKey: wrap }],
  places: [{ folderUid: uid, subfolderUid: uid }],
  files: [{ fileUid: uid, wrappedKey: wrap }],
  links: [{ recordUid: uid, data: uid, path: 'meta' }],
});

async function* inTurn(...pieces: readonly Bytes[]) {
  yield* pieces;
}

/** What applications wrote, and what the server says they wrote: the last ones as somebody with the key sealed it. */
export const secretDecoders: readonly Decoder<Uint8Array>[] = [
  ...Object.values(secrets).flatMap((desc) =>
    typeof desc === 'object' && 'kind' in desc && desc.kind === 'message'
      ? [
          {
            name: `message ${desc.name}`,
            valid: [plain],
            decode: (bytes: Uint8Array) => decodeMessage(desc, bytes),
          },
        ]
      : [],
  ),
  {
    name: 'key of a version',
    valid: [await wrapSecretKey(key, key)],
    decode: (bytes) => unwrapSecretKey(key, bytes),
  },
  {
    name: 'version',
    valid: [await sealSecretJson(key, { title: 'a' })],
    decode: (bytes) => openSecretJson(key, bytes),
  },
  {
    name: 'file for applications',
    valid: [await sealLegacyBlob(key, key)],
    decode: (bytes) => openSecretFile(key, bytes),
  },
  {
    name: 'file for applications in pieces',
    valid: [await sealLegacyBlob(key, key), await sealLegacyBlob(key, new Uint8Array(0))],
    decode: async (bytes) => {
      const blob = new Uint8Array(bytes);
      const half = blob.length >> 1;
      const pieces: Bytes[] = [];
      const source = inTurn(blob.slice(0, half), blob.slice(half));
      for await (const piece of openUnverifiedBlob(key, source)) pieces.push(piece);
      // What comes to its end is what opens whole.
      const whole = await openSecretFile(key, blob).catch(() => null);
      if (whole === null || !equal(concat(...pieces), whole)) throw new Error('another file');
    },
  },
  {
    name: 'key wrapped for an owner',
    valid: [await sealLegacyEcies(owner.publicKey, key)],
    decode: (bytes) => openOwnerKey(owner.privateKey, bytes),
    cost: 5,
  },
  {
    name: 'key of a subfolder for applications',
    valid: [await wrapSubfolderKey(key, key)],
    decode: (bytes) => unwrapSubfolderKey(key, bytes),
  },
  {
    name: "folder's name for applications",
    valid: [await sealSecretFolderName(key, 'a')],
    decode: (bytes) => openSecretFolderName(key, bytes),
  },
  {
    name: "folder's name that was sealed",
    valid: [utf8('{"name":"a"}')],
    decode: async (bytes) => openSecretFolderName(key, await sealLegacyCbc(key, new Uint8Array(bytes))),
  },
  {
    name: 'version that was sealed',
    valid: [utf8('{"title":"a"}')],
    decode: async (bytes) => openSecretJson(key, await sealLegacyBlob(key, new Uint8Array(bytes))),
  },
];

import { expect } from 'vitest';
import { encodeHex, parseHex, utf8, type Bytes } from '../../protocol/bytes.ts';
import { ecdhKeyPairOf } from '../../protocol/crypto/ecdh.ts';
import * as seal from '../../protocol/secrets-manager/secret-seal.ts';
import type { Uid } from '../../protocol/uid.ts';
import { runVectors } from './cases.ts';
import keys from './secret-keys.json' with { type: 'json' };
import secrets from './secrets.json' with { type: 'json' };

interface Derivation {
  readonly what: 'version' | 'folder' | 'owner' | 'seed';
  readonly key: string;
  readonly accountUid: Uid;
  readonly recordUid: Uid;
  readonly folderUid: Uid;
  readonly applicationUid: Uid;
  readonly revision: number;
  readonly derived: string;
  readonly publicKey?: string;
}

runVectors<Derivation>('keys of secrets', keys, (vector) => {
  const derived = derive(vector);
  if (derived instanceof Uint8Array) return expect(encodeHex(derived)).toBe(vector.derived);
  expect(encodeHex(derived.privateKey)).toBe(vector.derived);
  expect(encodeHex(derived.publicKey)).toBe(vector.publicKey);
});

function derive({ what, key, ...vector }: Derivation) {
  const bytes = parseHex(key);
  const { accountUid, recordUid, folderUid, applicationUid } = vector;
  const baseRevision = BigInt(vector.revision ?? 0);
  if (what === 'version') return seal.secretKeyOf(bytes, { accountUid, recordUid, baseRevision });
  if (what === 'folder') return seal.secretFolderKeyOf(bytes, accountUid, folderUid);
  return what === 'owner' ? seal.secretOwnerKeyOf(bytes, applicationUid) : ecdhKeyPairOf(bytes);
}

interface Sealed {
  readonly what: keyof typeof openers;
  readonly key: string;
  readonly sealed: string;
  readonly opened: string;
}

const openers = {
  key: seal.unwrapSecretKey,
  json: async (key: Bytes, sealed: Bytes) => utf8(await seal.openSecretJson(key, sealed)),
  file: seal.openSecretFile,
  owner: seal.openOwnerKey,
  subfolder: seal.unwrapSubfolderKey,
  name: async (key: Bytes, sealed: Bytes) => utf8(await seal.openSecretFolderName(key, sealed)),
};

runVectors<Sealed>('secrets', secrets, async ({ what, key, sealed, opened }) => {
  expect(encodeHex(await openers[what](parseHex(key), parseHex(sealed)))).toBe(opened);
});

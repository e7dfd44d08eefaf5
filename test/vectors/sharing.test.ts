import { expect } from 'vitest';
import { encodeHex, parseHex } from '../../protocol/bytes.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { fingerprintWords } from '../../protocol/sharing/fingerprint.ts';
import { requireEntryKey, verifyFolderEntry } from '../../protocol/sharing/folder-entry.ts';
import { openGrantKey } from '../../protocol/sharing/grant-key.ts';
import { requireSealedKey, verifyGrant } from '../../protocol/sharing/grant.ts';
import { verifyFolder } from '../../protocol/signed/folder-signature.ts';
import type { Uid } from '../../protocol/uid.ts';
import { formerKeysToJson, unwrapFormerFolderKey } from '../../protocol/vault/former-folder-keys.ts';
import { folderLaunchKeyOf, openFolder, unwrapEntryKey } from '../../protocol/vault/folder-seal.ts';
import { openLaunchCard, recordLaunchKeyOf } from '../../protocol/vault/launch-card.ts';
import {
  elementMacs,
  fitsManifest,
  openManifest,
  toggle,
  type ManifestElement,
} from '../../protocol/vault/manifest.ts';
import { runVectors } from './cases.ts';
import fingerprints from './fingerprints.json' with { type: 'json' };
import folderEntries from './folder-entries.json' with { type: 'json' };
import grants from './grants.json' with { type: 'json' };
import launchCards from './launch-cards.json' with { type: 'json' };
import manifests from './manifests.json' with { type: 'json' };
import sharedFolders from './shared-folders.json' with { type: 'json' };

interface Signed {
  readonly body: string;
  readonly signature: string;
}

interface Grant extends Signed {
  readonly granterKey: string;
  readonly grantee: { readonly publicKey: string; readonly privateKey: string };
  readonly sealedKey: string;
  readonly decoded: object;
  readonly key: string;
}

runVectors<Grant>('grant', grants, async (vector) => {
  const message = { body: parseHex(vector.body), signature: parseHex(vector.signature) };
  const sealedKey = parseHex(vector.sealedKey);
  const grant = verifyGrant(parseHex(vector.granterKey), message);
  requireSealedKey(grant, sealedKey);
  const { publicKey, privateKey } = vector.grantee;
  const pair = { publicKey: parseHex(publicKey), privateKey: parseHex(privateKey) };
  const scope = { ...grant, launchOnly: grant.rights.launchOnly };
  const key = await openGrantKey(pair, scope, sealedKey);
  expect(grant).toMatchObject(vector.decoded);
  expect(encodeHex(key)).toBe(vector.key);
});

interface Entry extends Signed {
  readonly authorKey: string;
  readonly folderKey: string;
  readonly sealedKey: string;
  readonly sealedLaunchKey: string;
  readonly decoded: object;
  readonly key: string;
}

runVectors<Entry>('folder entry', folderEntries, async (vector) => {
  const message = { body: parseHex(vector.body), signature: parseHex(vector.signature) };
  const sealedKey = parseHex(vector.sealedKey);
  const entry = verifyFolderEntry(parseHex(vector.authorKey), message);
  requireEntryKey(entry, 'launch', parseHex(vector.sealedLaunchKey));
  requireEntryKey(entry, 'full', sealedKey);
  const key = await unwrapEntryKey(parseHex(vector.folderKey), 'full', entry, sealedKey);
  expect(entry).toMatchObject(vector.decoded);
  expect(encodeHex(key)).toBe(vector.key);
});

interface Fingerprint {
  readonly accountUid: Uid;
  readonly ecdhPublicKey: string;
  readonly signingPublicKey: string;
  readonly words: readonly string[];
}

runVectors<Fingerprint>('fingerprint', fingerprints, (vector) => {
  const words = fingerprintWords({
    accountUid: vector.accountUid,
    ecdhPublicKey: parseHex(vector.ecdhPublicKey),
    signingPublicKey: parseHex(vector.signingPublicKey),
  });
  expect(words).toEqual(vector.words);
});

interface LaunchCard {
  readonly recordKey: string;
  readonly ownerUid: Uid;
  readonly recordUid: Uid;
  readonly revision: number;
  readonly sealed: string;
  readonly card: object;
}

runVectors<LaunchCard>('launch card', launchCards, async (vector) => {
  const { ownerUid, recordUid, revision, sealed, card } = vector;
  const launchKey = recordLaunchKeyOf(parseHex(vector.recordKey), recordUid);
  const scope = { ownerUid, recordUid };
  expect(await openLaunchCard(launchKey, scope, BigInt(revision), parseHex(sealed))).toEqual(card);
});

interface Manifest {
  readonly dataKey: string;
  readonly accountUid: Uid;
  readonly signingKey: string;
  readonly version: number;
  readonly sealed: string;
  readonly signature: string;
  readonly elements: readonly (Pick<ManifestElement, 'kind' | 'uid' | 'deleted'> & {
    readonly revision: number;
    readonly keyVersion: number;
    readonly tag: string;
  })[];
  readonly count: number;
  readonly fits: boolean;
}

runVectors<Manifest>('manifest', manifests, async (vector) => {
  const keys = {
    accountUid: vector.accountUid,
    dataKey: await SymmetricKey.import(parseHex(vector.dataKey)),
    signer: signerOf(parseHex(vector.signingKey)),
  };
  const manifest = await openManifest(keys, {
    $typeName: 'sallyport.v1.SealedManifest',
    version: BigInt(vector.version),
    sealed: parseHex(vector.sealed),
    signature: parseHex(vector.signature),
  });
  const digest = new Uint8Array(32);
  for (const element of vector.elements) {
    const { revision, tag } = element;
    toggle(
      digest,
      elementMacs(manifest.setKey)({ ...element, revision: BigInt(revision), tag: parseHex(tag) }),
    );
  }
  expect(manifest).toMatchObject({ count: BigInt(vector.count), rosterVersion: 7n, securityVersion: 1 });
  expect(fitsManifest(manifest, digest, vector.elements.length)).toBe(vector.fits);
});

interface SharedFolder {
  readonly folderKey: string;
  readonly writerKey: string;
  readonly ownerUid: Uid;
  readonly folderUid: Uid;
  readonly revision: number;
  readonly keyVersion: number;
  readonly sealed: string;
  readonly signature: string;
  readonly content: object;
}

runVectors<SharedFolder>('shared folder', sharedFolders, async (vector) => {
  const { ownerUid, folderUid, keyVersion } = vector;
  const [sealedData, revision] = [parseHex(vector.sealed), BigInt(vector.revision)];
  const statement = { ownerUid, folderUid, keyVersion, revision, sealedData };
  verifyFolder(parseHex(vector.writerKey), statement, parseHex(vector.signature));
  const folderKey = parseHex(vector.folderKey);
  const launchKey = folderLaunchKeyOf(folderKey, folderUid);
  const opened = await openFolder(launchKey, { ownerUid, folderUid }, revision, sealedData);
  expect({ ...opened, formerKeys: formerKeysToJson(opened.formerKeys) }).toEqual(vector.content);
  for (const former of opened.formerKeys) {
    const key = await unwrapFormerFolderKey(folderKey, folderUid, former);
    expect(folderLaunchKeyOf(key, folderUid)).toEqual(former.launchKey);
  }
});

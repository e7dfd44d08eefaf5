// What a server refuses of grants and entries by their form alone, before it looks anything up.
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { limits } from '../../../protocol/limits.ts';
import { GrantSchema, PutFolderRequestSchema } from '../../../protocol/messages/gen/sharing_pb.js';
import { signGrant } from '../../../protocol/sharing/grant.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import {
  checkFolder,
  checkGrant,
  mostShares,
  requireCount,
  requireEachOnce,
} from '../../../server/sharing/sharing-bounds.ts';

const signer = signerOf(generateEcdhKeyPair().privateKey);
const now = 1_800_000_000_000;
const [caller, grantee] = [newUid(), newUid()];
const sealedKey = new Uint8Array(125);
const none = {
  ...{ edit: false, share: false, launchOnly: false, manageMembers: false, manageRecords: false, own: false },
};
const base = {
  ...({ objectKind: 'record', objectUid: newUid(), ownerUid: caller, granteeKind: 'account' } as const),
  ...{
    granteeUid: grantee,
    granterUid: caller,
    rights: none,
    issuedAtMs: now,
    expiresAtMs: 0,
    keyVersion: 1,
  },
};
const check = async (change: Partial<Parameters<typeof signGrant>[1]>, message: object = {}) => {
  const signed = await signGrant(signer, { ...base, ...change }, sealedKey);
  return checkGrant(create(GrantSchema, { ...signed, ...message }), caller, now);
};

test('a sound grant passes', async () => {
  expect(await check({})).toMatchObject({ granterUid: caller, granteeUid: grantee });
});

test.each([
  ['of somebody else', { granterUid: newUid() }, {}, 'bad-signature'],
  ['to its granter', { granteeUid: caller }, {}, 'malformed'],
  ['that has ended', { expiresAtMs: now }, {}, 'expired'],
  ['of the future', { issuedAtMs: now + limits.clockSkewMs + 1 }, {}, 'malformed'],
  ['on a record, with a right of folders', { rights: { ...none, manageMembers: true } }, {}, 'malformed'],
  [
    'that makes a team the owner',
    { granteeKind: 'team', granteeKeyVersion: 1, rights: { ...none, own: true } },
    {},
    'malformed',
  ],
  ['that offers a folder', { objectKind: 'folder', rights: { ...none, own: true } }, {}, 'malformed'],
  ['with half a key', {}, { sealedKey: sealedKey.subarray(1) }, 'malformed'],
  ['with another key', {}, { sealedKey: sealedKey.map(() => 1) }, 'bad-signature'],
  ['with half a signature', {}, { signature: new Uint8Array(63) }, 'malformed'],
  ['over its bound', {}, { body: new Uint8Array(1025) }, 'too-large'],
] as const)('a grant %s is refused', async (_name, change, message, code) => {
  await expect(check(change, message)).rejects.toMatchObject({ code });
});

test.each([
  ['without a UID', { folderUid: new Uint8Array(15) }, 'malformed'],
  ['that is not sealed', { sealedData: new Uint8Array(200) }, 'malformed'],
  ['without a signature', { signature: new Uint8Array(0) }, 'malformed'],
  ['of a revision that none has', { baseRevision: 2n ** 53n }, 'malformed'],
] as const)('a folder %s is refused', (_name, change, code) => {
  const sealedData = new Uint8Array(400);
  sealedData[0] = 1;
  const sound = {
    ...{ folderUid: uidBytes(newUid()), baseRevision: 0n, sealedData, signature: new Uint8Array(64) },
  };
  expect(() => checkFolder(create(PutFolderRequestSchema, { ...sound, ...change }))).toThrow(
    expect.objectContaining({ code }),
  );
});

test('so many in one request, each once', () => {
  expect(() => requireCount(mostShares + 1, 0)).toThrow(expect.objectContaining({ code: 'too-large' }));
  expect(() => requireCount(0, 1)).toThrow(expect.objectContaining({ code: 'too-large' }));
  expect(() => requireEachOnce(['a', 'b', 'a'])).toThrow(expect.objectContaining({ code: 'malformed' }));
  requireCount(mostShares, 1);
  requireEachOnce(['a', 'b']);
});

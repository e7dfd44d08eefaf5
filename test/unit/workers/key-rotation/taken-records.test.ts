import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { signerOf, type Signer } from '../../../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { TakenRecordSchema } from '../../../../protocol/messages/gen/key-rotation_pb.js';
import {
  isRevisionSigned,
  signRevision,
  type RevisionStatement,
} from '../../../../protocol/signed/record-signature.ts';
import { newUid, uidBytes } from '../../../../protocol/uid.ts';
import type { AccountKeys } from '../../../../protocol/vault/account-keys.ts';
import { takenAnew } from '../../../../workers/engine/key-rotation/taken-records.ts';

const newSigner = (): Signer => signerOf(generateEcdhKeyPair().privateKey);
const [former, next, stranger] = [newSigner(), newSigner(), newSigner()];
const accountUid = newUid();
const keys = { accountUid, signer: former } as AccountKeys;
const statement: RevisionStatement = {
  ...{ recordUid: newUid(), ownerUid: accountUid, revision: 4n, keyVersion: 2, deleted: false },
  ...{ dataHash: randomBytes(32), launchHash: randomBytes(32) },
};

async function shown(signer: Signer, signed = statement, change: Partial<RevisionStatement> = {}) {
  const said = { ...statement, ...change };
  const { revision, dataHash, launchHash, keyVersion } = said;
  const signature = await signRevision(signer, signed);
  const taken = { revision, dataHash, launchHash, signature };
  return create(TakenRecordSchema, { recordUid: uidBytes(said.recordUid), keyVersion, taken });
}

test('what the former key signed is signed by the next one, over the same', async () => {
  const anew = await takenAnew(await shown(former), keys, next);
  expect(anew).toMatchObject({ recordUid: uidBytes(statement.recordUid), revision: 4n });
  expect(await isRevisionSigned(next.publicKey, statement, anew?.signature ?? randomBytes(64))).toBe(true);
});

test.each<[string, () => ReturnType<typeof shown>]>([
  ['another key signed', () => shown(stranger)],
  ['was signed for another record', () => shown(former, statement, { recordUid: newUid() })],
  ['was signed under another key version', () => shown(former, statement, { keyVersion: 3 })],
  ['was signed of another revision', () => shown(former, statement, { revision: 5n })],
  ['was signed as somebody else’s', () => shown(former, { ...statement, ownerUid: newUid() })],
  ['says nothing', () => Promise.resolve(create(TakenRecordSchema, { keyVersion: 2 }))],
])('what %s is not', async (_, give) => {
  expect(await takenAnew(await give(), keys, next)).toBeNull();
});

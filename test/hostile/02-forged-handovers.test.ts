// Attack class 2: whoever rotates their keys brings offers of records as their own to be signed anew. A reader believes by
// these alone that a record has another owner, so the server takes none that its caller did not make.
import { client as opaque } from '@serenity-kit/opaque';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf, type Signer } from '../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { KeyRotationService } from '../../protocol/messages/gen/key-rotation_pb.js';
import { signGrant, type Grant } from '../../protocol/sharing/grant.ts';
import { allRights, viewRights } from '../../protocol/sharing/rights.ts';
import { signAccountCertificate } from '../../protocol/signed/account-certificate.ts';
import { newUid, uidBytes, type Uid } from '../../protocol/uid.ts';
import { ApiClient } from '../fixtures/api-client.ts';
import { codeOf } from '../fixtures/outcome.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

const { startKeyRotation, stageKeyRotation } = KeyRotationService.method;

let server: TestServer;
let mallory: ApiClient;
let next: Signer;
let rotationUid: Uint8Array;
const recordUid = newUid();

/** Signed in, and in the middle of a rotation. */
beforeAll(async () => {
  server = await startTestServer();
  mallory = await ApiClient.connect(server.url);
  await mallory.register('mallory@example.test', 'the password of mallory');
  next = signerOf(generateEcdhKeyPair().privateKey);
  const request = () => opaque.startRegistration({ password: 'another password' }).registrationRequest;
  const started = await mallory.call(startKeyRotation, {
    certificate: await signAccountCertificate(next, mallory.accountUid, generateEcdhKeyPair().publicKey),
    ...{ passwordRequest: request(), recoveryRequest: request() },
  });
  rotationUid = started.rotationUid;
});
afterAll(() => server.close());

interface Forgery {
  readonly grant?: Partial<Grant>;
  readonly signer?: Signer;
  /** As which record it is brought. */
  readonly of?: Uid;
  readonly change?: (body: Bytes) => Bytes;
}

/** What the server says to an offer of mallory's, but for what is forged of it. */
async function staged({ grant = {}, signer = next, of = recordUid, change }: Forgery): Promise<string> {
  const own = mallory.accountUid;
  const offer = {
    ...({ objectKind: 'record', objectUid: recordUid, ownerUid: own, granterUid: own } as const),
    ...({ granteeKind: 'account', granteeUid: newUid(), rights: allRights } as const),
    ...{ issuedAtMs: Date.now(), expiresAtMs: 0, keyVersion: 1 },
    ...grant,
  };
  const { body, signature } = await signGrant(signer, offer, randomBytes(125));
  const handover = { recordUid: uidBytes(of), body: change?.(body) ?? body, signature };
  return await codeOf(mallory.call(stageKeyRotation, { rotationUid, handovers: [handover] }));
}

test('an offer of one’s own, signed with the new key, is taken', async () => {
  expect(await staged({})).toBe('done');
});

test.each<[string, () => Forgery]>([
  ['of another owner', () => ({ grant: { ownerUid: newUid() } })],
  ['by another granter', () => ({ grant: { granterUid: newUid() } })],
  ['by its former owner, altogether', former],
  ['that gives no ownership', () => ({ grant: { rights: viewRights } })],
  ['of a folder', () => ({ grant: { objectKind: 'folder' } })],
  ['of another record than the one it is brought for', () => ({ of: newUid() })],
  ['signed with the former key', () => ({ signer: mallory.account.signer })],
  ['signed by somebody else', () => ({ signer: signerOf(generateEcdhKeyPair().privateKey) })],
  ['to somebody else than was signed', () => ({ change: withAnotherGrantee })],
])('an offer %s is refused', async (_, forgery) => {
  expect(await staged(forgery())).toBe('bad-signature');
});

test('nor is the word that a record was taken over which was not', async () => {
  const takeOver = { recordUid: uidBytes(recordUid), revision: 2n, signature: randomBytes(64) };
  const staging = mallory.call(stageKeyRotation, { rotationUid, takeOvers: [takeOver] });
  expect(await codeOf(staging)).toBe('conflict');
});

test('nor are other bytes than an offer', async () => {
  expect(await staged({ change: () => new Uint8Array(0) })).toBe('malformed');
  expect(await staged({ change: (body) => body.subarray(0, body.length - 1) })).toBe('malformed');
  expect(await staged({ change: () => randomBytes(2_000) })).toBe('malformed');
});

function former(): Forgery {
  const uid = newUid();
  return { grant: { ownerUid: uid, granterUid: uid } };
}

/** Still an offer that decodes. */
function withAnotherGrantee(body: Bytes): Bytes {
  const changed = body.slice();
  const at = Buffer.from(changed).indexOf(Buffer.from([0x2a, 0x10])); // field 5, 16 bytes
  changed.set(randomBytes(16), at + 2);
  return changed;
}

// Attack class 11: the keys of a recipient overwritten. Whoever exchanges somebody's keys, the server or a dishonest
// administrator, gets nothing that is shared afterwards: the pin blocks until a person has compared the fingerprint.
import { beforeEach, expect, test } from 'vitest';
import { create } from '@bufbuild/protobuf';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { AccountCertificateSchema } from '../../protocol/messages/gen/account_pb.js';
import { fingerprintWords } from '../../protocol/sharing/fingerprint.ts';
import {
  signAccountCertificate,
  verifyAccountCertificate,
} from '../../protocol/signed/account-certificate.ts';
import type { RosterMember } from '../../protocol/signed/roster.ts';
import { newUid, uidBytes, type Uid } from '../../protocol/uid.ts';
import type { RecordBook } from '../../workers/engine/records/record-book.ts';
import type { Draft, RecordWriter } from '../../workers/engine/records/record-writer.ts';
import { ContactPins } from '../../workers/engine/sharing/contact-pins.ts';
import { SharingOffice, type SharingParts } from '../../workers/engine/sharing/sharing-office.ts';
import { Office } from '../fakes/shares.ts';
import { codeOf } from '../fixtures/outcome.ts';

const ownUid = newUid();
let stored: Map<Uid, Draft>;
let pins: ContactPins;
let ben: RosterMember;

/** A vault's own records, as pins use them. */
function vault() {
  const opened = (uid: Uid) => {
    const draft = stored.get(uid);
    if (!draft) throw new Error('no such record');
    return { ...draft, key: new Uint8Array(32), row: { writerUid: uidBytes(ownUid) } };
  };
  const book = {
    accountUid: ownUid,
    ofType: (type: string) =>
      [...stored].filter(([, { content }]) => content.type === type).map(([uid]) => ({ uid, type })),
    get: (uid: Uid) => ({ revision: Number(stored.get(uid)?.baseRevision ?? 0n) + 1 }),
    open: async (uid: Uid) => opened(uid),
  };
  const writer = {
    draftOf: async (uid: Uid) => ({ ...opened(uid), baseRevision: opened(uid).baseRevision + 1n }),
    write: async (drafts: readonly Draft[]) => drafts.forEach((draft) => stored.set(draft.uid, draft)),
  };
  const successions = { between: async () => null }; // nobody signed keys over
  return { book: book as unknown as RecordBook, writer: writer as unknown as RecordWriter, successions };
}

const keyPair = () => generateEcdhKeyPair();
const withOther = (member: RosterMember, key: 'ecdhPublicKey' | 'signingPublicKey'): RosterMember => ({
  ...member,
  [key]: keyPair().publicKey,
});
beforeEach(() => {
  stored = new Map();
  pins = new ContactPins(vault());
  ben = {
    accountUid: newUid(),
    ecdhPublicKey: keyPair().publicKey,
    signingPublicKey: signerOf(keyPair().privateKey).publicKey,
    administrator: false,
    email: 'ben@example.test',
  };
});

test('the first share pins both keys; the same keys are the same person', async () => {
  await pins.require([ben]);
  expect(await pins.stateOf(ben)).toBe('pinned');
  expect(stored.size).toBe(1);
  await pins.require([ben]);
  expect(stored.size).toBe(1);
});

test.each(['ecdhPublicKey', 'signingPublicKey'] as const)(
  'another %s blocks, and pins nothing',
  async (key) => {
    await pins.require([ben]);
    const forged = withOther(ben, key);
    expect(await pins.stateOf(forged)).toBe('changed');
    expect(await codeOf(pins.require([forged]))).toBe('untrusted');
    expect(await pins.stateOf(ben)).toBe('pinned');
  },
);

test('one changed person among many: nobody gets anything', async () => {
  await pins.require([ben]);
  const cora = { ...withOther(ben, 'ecdhPublicKey'), accountUid: newUid() };
  expect(await codeOf(pins.require([cora, withOther(ben, 'ecdhPublicKey')]))).toBe('untrusted');
  expect(await pins.stateOf(cora)).toBe('new');
});

test('both fingerprints are shown, and only a confirmed one counts from then on', async () => {
  await pins.require([ben]);
  const renewed = withOther(withOther(ben, 'ecdhPublicKey'), 'signingPublicKey');
  expect(await pins.formerWords(renewed)).toEqual(fingerprintWords(ben));
  expect(fingerprintWords(renewed)).not.toEqual(fingerprintWords(ben));
  await pins.confirm(renewed);
  expect(await pins.stateOf(renewed)).toBe('verified');
  expect(await pins.formerWords(renewed)).toBeNull();
  expect(await pins.stateOf(ben)).toBe('changed'); // and the former keys do not come back unnoticed
});

test('a pin that was confirmed elsewhere and one that was not: either difference blocks', async () => {
  await pins.require([ben]);
  await new ContactPins(vault()).require([ben]); // another device, which has seen it too
  const forged = withOther(ben, 'ecdhPublicKey');
  expect(await codeOf(pins.require([forged]))).toBe('untrusted');
});

test('a certificate with one key exchanged does not hold', async () => {
  const signer = signerOf(keyPair().privateKey);
  const signed = await signAccountCertificate(signer, ben.accountUid, ben.ecdhPublicKey);
  const other = await signAccountCertificate(signer, ben.accountUid, keyPair().publicKey);
  const certificate = create(AccountCertificateSchema, signed);
  expect(verifyAccountCertificate(certificate).ecdhPublicKey).toEqual(ben.ecdhPublicKey);
  expect(() => verifyAccountCertificate({ ...certificate, body: other.body })).toThrow('bad-signature');
});

test('whoever changed is left out when a key is replaced', async () => {
  const office = new Office();
  const [ada, other] = [office.hire(), office.hire()];
  const { book: shares, rosters, keys } = await office.bookOf(ada);
  await pins.require(rosters.roster.members.filter(({ accountUid }) => accountUid === other.accountUid));
  const parts = { keys, rosters, shares, pins } as unknown as SharingParts;
  const desk = new SharingOffice(parts);
  const ref = { kind: 'account', uid: other.accountUid } as const;
  expect((await desk.standing(ref))?.grantee.publicKey).toEqual(other.ecdh.publicKey);
  const members = rosters.roster.members.map((member) => withOther(member, 'ecdhPublicKey'));
  rosters.roster = { ...rosters.roster, members };
  expect(await desk.standing(ref)).toBeNull();
  expect(await codeOf(desk.grantees([ref]))).toBe('untrusted');
  rosters.roster = { ...rosters.roster, members: [] };
  expect(await desk.standing(ref)).toBeNull();
});

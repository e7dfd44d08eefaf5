// What somebody shared on who left while the vault was locked: the owner's vault remembers that it counted, so that what was
// written by it is its to take over. protocol.md §9.7.
import { beforeEach, expect, test } from 'vitest';
import type { Person } from '../../../fakes/organisation.ts';
import { grantsOn, newObject, Office } from '../../../fakes/shares.ts';
import type { StoredObject } from '../../../../workers/engine/storage.ts';
import type { GivenObject } from '../../../../workers/engine/sharing/share-seal.ts';

let office: Office;
let owner: Person;
let sharer: Person;
let editor: Person;
let record: GivenObject;

beforeEach(() => {
  office = new Office();
  [owner, sharer, editor] = [office.hire(), office.hire(), office.hire()];
  record = newObject('record', owner);
});

/** The vault of that person as it opens from what it stored, once the sharer has left. */
async function opened(person: Person, stored: readonly StoredObject[]) {
  const vault = await office.bookOf(person);
  const roster = office.roster();
  const departed = { signingPublicKey: sharer.signer.publicKey };
  vault.rosters.roster = {
    ...roster,
    members: roster.members.filter(({ accountUid }) => accountUid !== sharer.accountUid),
    ends: [{ uid: sharer.accountUid, untilMs: office.now + 1, departed }],
  };
  vault.book.load(stored);
  return vault;
}

async function stored(person: Person, rights = { edit: true, share: true }) {
  const toSharer = await office.grant(owner, record, sharer, { rights });
  const toEditor = await office.grant(sharer, record, editor, { rights: { edit: true } });
  const { admit } = await office.bookOf(person);
  return await admit({ grants: [grantsOn(record, toSharer, toEditor)] });
}

const written = () => ({ recordUid: record.uid, ownerUid: owner.accountUid, keyVersion: 1 });

test('counts to the owner, also after the server has shown that it is gone, and the next time', async () => {
  const before = await stored(owner);
  const first = await opened(owner, before);
  expect(first.book.mightHaveWritten(editor.accountUid, written())).toBe(true);
  expect(first.book.mayWrite(editor.accountUid, written())).toBe(false);
  const after = await first.admit({ grants: [grantsOn(record)] });
  expect(first.book.mightHaveWritten(editor.accountUid, written())).toBe(true);
  const latest = new Map([...before, ...after].map((object) => [object.key, object]));
  const second = await opened(owner, [...latest.values()]);
  expect(second.book.mightHaveWritten(editor.accountUid, written())).toBe(true);
});

test('counts to nobody else, nor when they could not have shared it', async () => {
  const theirs = await opened(editor, await stored(editor));
  expect(theirs.book.mightHaveWritten(editor.accountUid, written())).toBe(false);
  const mine = await opened(owner, await stored(owner, { edit: true, share: false }));
  expect(mine.book.mightHaveWritten(editor.accountUid, written())).toBe(false);
});

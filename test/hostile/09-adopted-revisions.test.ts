// Attack class 9: content under the name of somebody who could write once. Who was an editor, with the server, shows
// revisions after their access has ended: what they wrote while they might counts, and what its owner stands by; nothing
// that is sealed under a later key does, and nobody else's word stands for the owner's.
import { beforeEach, expect, test } from 'vitest';
import type { Record } from '../../protocol/messages/gen/record_pb.js';
import { signAdoption, signRevision } from '../../protocol/signed/record-signature.ts';
import { statementOf } from '../../workers/engine/records/record-opener.ts';
import type { GivenObject } from '../../workers/engine/sharing/share-seal.ts';
import type { Person } from '../fakes/organisation.ts';
import { grantsOn, newObject, Office } from '../fakes/shares.ts';
import { revisionBy, verdictsOf } from '../fixtures/written-revisions.ts';

let office: Office;
let owner: Person;
let editor: Person;
let viewer: Person;
let record: GivenObject;

beforeEach(() => {
  office = new Office();
  [owner, editor, viewer] = [office.hire(), office.hire(), office.hire()];
  record = newObject('record', owner);
});

const written = (writer: Person, of: { keyVersion?: number; revision?: bigint } = {}) =>
  revisionBy(writer, record, of);

const word = (of: Person, row: Record, writer = editor) =>
  signAdoption(of.signer, { ...statementOf(row), writerUid: writer.accountUid });

/** The viewer's vault; `seen`: it was there while the editor was one. */
async function vaultOf(seen: boolean) {
  const mine = await office.bookOf(viewer);
  const toView = await office.grant(owner, record, viewer);
  const toEdit = await office.grant(owner, record, editor, { rights: { edit: true } });
  if (seen) await mine.admit({ grants: [grantsOn(record, toView, toEdit)] });
  await mine.admit({ grants: [grantsOn(record, toView)] });
  return verdictsOf(mine.keys, mine.book);
}

test('what somebody wrote while they might counts where that was seen, and nowhere else', async () => {
  const row = await written(editor);
  expect(await (await vaultOf(true))(row)).toBe('counts');
  expect(await (await vaultOf(false))(row)).toBe('not-allowed');
});

test('what they write under a key that they were never given', async () => {
  expect(await (await vaultOf(true))(await written(editor, { keyVersion: 2 }))).toBe('not-allowed');
});

test('what they did not write', async () => {
  const row = await written(editor);
  row.sealedData = new Uint8Array(64).fill(2);
  expect(await (await vaultOf(true))(row)).toBe('bad-signature');
});

test('its owner’s word makes it count everywhere', async () => {
  const row = await written(editor);
  row.adoptionSignature = await word(owner, row);
  expect(await (await vaultOf(false))(row)).toBe('counts');
});

test('a word for it that is somebody else’s, or about something else', async () => {
  const judge = await vaultOf(false);
  const row = await written(editor);
  const others = [
    await word(editor, row),
    await word(viewer, row),
    await word(owner, await written(editor, { revision: 3n })),
    await word(owner, row, viewer),
    await signRevision(owner.signer, statementOf(row)),
  ];
  for (const adoptionSignature of others)
    expect(await judge({ ...row, adoptionSignature })).toBe('bad-signature');
});

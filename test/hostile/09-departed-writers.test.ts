// Attack class 9: content under the name of somebody who left the organisation, or only a team. With the server they show
// revisions after they were removed: to the owner's vault counts what they wrote under the key that they had, until it is
// replaced; to everybody else nothing does that its owner has not adopted; and whoever could not write then cannot now.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Record } from '../../protocol/messages/gen/record_pb.js';
import { signAdoption, signRevision } from '../../protocol/signed/record-signature.ts';
import type { Uid } from '../../protocol/uid.ts';
import { statementOf } from '../../workers/engine/records/record-opener.ts';
import type { GivenObject } from '../../workers/engine/sharing/share-seal.ts';
import { newPerson, type Person } from '../fakes/organisation.ts';
import { grantsOn, newObject, Office } from '../fakes/shares.ts';
import { revisionBy, verdictsOf } from '../fixtures/written-revisions.ts';

let office: Office;
let owner: Person;
let editor: Person;
let viewer: Person;
let team: Uid;
let record: GivenObject;

beforeEach(() => {
  office = new Office();
  [owner, editor, viewer] = [office.hire(), office.hire(), office.hire()];
  team = office.team(editor, viewer);
  record = newObject('record', owner);
});

const written = (writer: Person, of: { keyVersion?: number; revision?: bigint } = {}) =>
  revisionBy(writer, record, of);

interface Seen {
  /** Who was given the record while that vault looked. */
  readonly to?: Person | Uid;
  readonly edit?: boolean;
  /** Whose key the roster says was the editor's. */
  readonly key?: Person | null;
  /** Of which the roster says that the editor was in them. */
  readonly teams?: readonly Uid[];
  /** In the organisation: they only left the teams. */
  readonly stays?: boolean;
  /** No team is there any more. */
  readonly disbanded?: boolean;
}

/** The vault of that person, after the editor left. */
async function vaultOf(
  person: Person,
  { to = editor, edit = true, key = editor, teams = [], stays = false, disbanded = false }: Seen = {},
): Promise<(row: Record) => Promise<string | undefined>> {
  const mine = await office.bookOf(person);
  const toView = await office.grant(owner, record, viewer);
  const toEdit = await office.grant(owner, record, to, { rights: { edit } });
  await mine.admit({ grants: [grantsOn(record, toView, toEdit)] });
  const { members, teams: all, ...rest } = office.roster();
  const departed = key && { signingPublicKey: key.signer.publicKey };
  const until = { untilMs: office.now + 1 };
  mine.rosters.roster = {
    ...rest,
    members: members.filter(({ accountUid }) => stays || accountUid !== editor.accountUid),
    teams: (disbanded ? [] : all).map((one) => ({
      ...one,
      memberUids: one.memberUids.filter((uid) => uid !== editor.accountUid),
    })),
    ends: departed && !stays ? [{ uid: editor.accountUid, ...until, departed }] : [],
    formerTeamMembers: teams.map((teamUid) => ({
      ...{ teamUid, accountUid: editor.accountUid, keyVersion: 1 },
      ...until,
    })),
  };
  await mine.admit({ grants: [grantsOn(record, toView)] });
  return verdictsOf(mine.keys, mine.book);
}

test('what they wrote under the key that they had counts to its owner, who adopts it', async () => {
  const row = await written(editor);
  expect(await (await vaultOf(owner))(row)).toBe('counts');
  expect(await (await vaultOf(owner, { to: team, teams: [team] }))(row)).toBe('counts');
});

test('what they write under the key that came after them', async () => {
  const row = await written(editor, { keyVersion: 2 });
  expect(await (await vaultOf(owner))(row)).toBe('not-allowed');
  expect(await (await vaultOf(owner, { to: team, teams: [team] }))(row)).toBe('not-allowed');
});

test('what they show to others than its owner, until that one adopts it', async () => {
  const row = await written(editor);
  expect(await (await vaultOf(viewer))(row)).toBe('not-allowed');
  row.adoptionSignature = await signAdoption(viewer.signer, {
    ...statementOf(row),
    writerUid: editor.accountUid,
  });
  expect(await (await vaultOf(viewer))(row)).toBe('bad-signature');
  row.adoptionSignature = await signAdoption(owner.signer, {
    ...statementOf(row),
    writerUid: editor.accountUid,
  });
  expect(await (await vaultOf(viewer))(row)).toBe('counts');
});

test('what was only shown to them, or to a team that they were not in', async () => {
  const row = await written(editor);
  expect(await (await vaultOf(owner, { edit: false }))(row)).toBe('not-allowed');
  expect(await (await vaultOf(owner, { to: team, teams: [] }))(row)).toBe('not-allowed');
});

describe.each([
  ['who left the organisation', {}],
  ['who left the team and stays in the organisation', { stays: true }],
  ['whose team is no more', { stays: true, disbanded: true }],
])('an editor by a team %s', (_, after) => {
  test('what they wrote under the key that they had counts to its owner alone', async () => {
    const row = await written(editor);
    const seen = { ...after, to: team, teams: [team] };
    expect(await (await vaultOf(owner, seen))(row)).toBe('counts');
    expect(await (await vaultOf(viewer, seen))(row)).toBe('not-allowed');
    const next = await written(editor, { keyVersion: 2 });
    expect(await (await vaultOf(owner, seen))(next)).toBe('not-allowed');
  });

  test('a team that they could only read by, or were never in, or that another was in', async () => {
    const row = await written(editor);
    const other = office.team(viewer);
    for (const seen of [
      { to: team, teams: [team], edit: false },
      { to: team, teams: [] },
      { to: team, teams: [other] },
      { to: other, teams: [team] },
    ])
      expect(await (await vaultOf(owner, { ...after, ...seen }))(row)).toBe('not-allowed');
    expect(await (await vaultOf(owner, { ...after, to: team, teams: [team] }))(await written(viewer))).toBe(
      'disbanded' in after ? 'not-allowed' : 'counts',
    );
  });

  test('what the team was given after they had left', async () => {
    const [known] = office.teams;
    if (!known) throw new Error('one team');
    known.keyVersion = 2; // the one that the team got when they left
    const seen = { ...after, to: team, teams: [team] };
    expect(await (await vaultOf(owner, seen))(await written(editor))).toBe('not-allowed');
  });
});

describe('a device of the owner’s that never saw the editor, to which the server shows what has ended', () => {
  interface Shown {
    readonly to?: Person;
    readonly by?: Person;
    readonly edit?: boolean;
    readonly keyVersion?: number;
    readonly of?: GivenObject;
  }

  /** Whether the editor's revision counts there. */
  async function verdict(
    person: Person,
    { to = editor, by = owner, edit = true, keyVersion = 1, of = record }: Shown,
  ) {
    const mine = await office.bookOf(person);
    const toView = await office.grant(owner, record, viewer);
    const said = await office.grant(by, { ...of, keyVersion }, to, { rights: { edit } });
    const ended = [{ ...said, sealedKey: new Uint8Array(0) }];
    const { members, ...rest } = office.roster();
    mine.rosters.roster = {
      ...rest,
      members: members.filter(({ accountUid }) => accountUid !== editor.accountUid),
      ends: [
        {
          ...{ uid: editor.accountUid, untilMs: office.now + 1 },
          departed: { signingPublicKey: editor.signer.publicKey },
        },
      ],
    };
    await mine.admit({ grants: [{ ...grantsOn(record, toView), ended }] });
    return await (
      await verdictsOf(mine.keys, mine.book)
    )(await written(editor));
  }

  test('the owner’s own word that they might write counts, and nothing can be done by it', async () => {
    expect(await verdict(owner, {})).toBe('counts');
    const mine = await office.bookOf(owner);
    const said = await office.grant(owner, record, viewer, { rights: { edit: true } });
    await mine.admit({ grants: [{ ...grantsOn(record), ended: [said] }] });
    expect(mine.book.accessOf(viewer.accountUid, record.uid, owner.accountUid)).toBeNull();
  });

  test.each<[string, () => Shown]>([
    ['that they might read', () => ({ edit: false })],
    ['that somebody else might write', () => ({ to: viewer })],
    ['of another key', () => ({ keyVersion: 2 })],
    ['of theirs, to themselves', () => ({ by: editor })],
    ['of somebody who may not share', () => ({ by: viewer })],
    ['of another record', () => ({ of: newObject('record', owner) })],
  ])('a word %s does not', async (_, shown) => {
    expect(await verdict(owner, shown())).not.toBe('counts');
  });

  test('nor does any to somebody else’s device', async () => {
    expect(await verdict(viewer, {})).not.toBe('counts');
  });
});

test('what somebody signed whom no roster names, or with another key than theirs', async () => {
  expect(await (await vaultOf(owner, { key: null }))(await written(editor))).toBe('not-allowed');
  expect(await (await vaultOf(owner, { key: newPerson() }))(await written(editor))).toBe('bad-signature');
  const row = await written(editor);
  row.sealedData = new Uint8Array(64).fill(2);
  expect(await (await vaultOf(owner))(row)).toBe('bad-signature');
});

test('a deletion', async () => {
  const row = await written(editor);
  row.deleted = true;
  row.signature = await signRevision(editor.signer, statementOf(row));
  expect(await (await vaultOf(owner))(row)).toBe('not-allowed');
});

import { describe, expect, test } from 'vitest';
import { AccessRules } from '../../../../protocol/sharing/access.ts';
import type { FolderEntry } from '../../../../protocol/sharing/folder-entry.ts';
import type { Grant } from '../../../../protocol/sharing/grant.ts';
import { launchRights, viewRights } from '../../../../protocol/sharing/rights.ts';
import { newUid } from '../../../../protocol/uid.ts';
import {
  by,
  entry,
  folder,
  grant,
  names,
  nowMs,
  onFolder,
  record,
  rightsOn,
  rosterOf,
  toTeam,
  uidOfName,
} from './people.ts';

const hour = 3_600_000;
const launch = { launchOnly: true };

describe('who owns a record', () => {
  test('may do everything with it, whatever grants say', () => {
    expect(rightsOn('owner', [grant('owner', launch)])?.rights.own).toBe(true);
  });

  test('nobody else may do anything without a grant', () => {
    expect(rightsOn('ben', [])).toBeNull();
  });

  test('a grant that names another owner is about another record', () => {
    expect(rightsOn('ben', [grant('ben', {}, { ownerUid: uidOfName.ben })])).toBeNull();
    expect(rightsOn('ben', [grant('ben', {}, { ownerUid: uidOfName.cora, ...by('cora') })])).toBeNull();
  });

  test('nor does one for another record or for a folder of the same UID', () => {
    expect(rightsOn('ben', [grant('ben', {}, { objectUid: newUid() })])).toBeNull();
    expect(rightsOn('ben', [grant('ben', {}, { objectKind: 'folder' })])).toBeNull();
  });
});

describe('a grant', () => {
  test('gives its rights and no others', () => {
    expect(rightsOn('ben', [grant('ben', { edit: true })])).toEqual({
      rights: { ...viewRights, edit: true },
      expiresAtMs: 0,
    });
  });

  test('is to the one it names', () => {
    expect(rightsOn('cora', [grant('ben')])).toBeNull();
  });

  test('from somebody without access is worth nothing, nor is one to oneself', () => {
    expect(rightsOn('ben', [grant('ben', {}, by('cora'))])).toBeNull();
    expect(rightsOn('ben', [grant('ben', { edit: true, share: true }, by('ben'))])).toBeNull();
  });

  test('ends at its time, to the millisecond', () => {
    const grants = [grant('ben', {}, { expiresAtMs: nowMs + hour })];
    expect(rightsOn('ben', grants, { atMs: nowMs + hour - 1 })?.expiresAtMs).toBe(nowMs + hour);
    expect(rightsOn('ben', grants, { atMs: nowMs + hour })).toBeNull();
  });

  test('that the same granter replaced does not come back, in whatever order they are shown', () => {
    const wide = grant('ben', { edit: true });
    const narrow = grant('ben', {}, { issuedAtMs: nowMs + 1 });
    expect(rightsOn('ben', [wide, narrow])?.rights.edit).toBe(false);
    expect(rightsOn('ben', [narrow, wide])?.rights.edit).toBe(false);
  });

  test('that was replaced by an ended one is ended', () => {
    const ended = grant('ben', {}, { issuedAtMs: nowMs + 1, expiresAtMs: nowMs - 1 });
    expect(rightsOn('ben', [grant('ben'), ended])).toBeNull();
  });
});

describe('a chain', () => {
  const share = { share: true };

  test('hands on what its granter may share', () => {
    const grants = [grant('ben', share), grant('cora', {}, by('ben'))];
    expect(rightsOn('cora', grants)?.rights).toEqual(viewRights);
  });

  test('ends with a granter who may not share', () => {
    expect(rightsOn('cora', [grant('ben', { edit: true }), grant('cora', {}, by('ben'))])).toBeNull();
    expect(rightsOn('cora', [grant('ben', launch), grant('cora', launch, by('ben'))])).toBeNull();
  });

  test.each([{ edit: true }, { manageMembers: true }, { manageRecords: true }, { own: true }])(
    'never widens: %o',
    (wider) => {
      expect(rightsOn('cora', [grant('ben', share), grant('cora', wider, by('ben'))])).toBeNull();
    },
  );

  test('an offer of ownership is not handed on', () => {
    const offered = { edit: true, share: true, own: true, manageMembers: true, manageRecords: true };
    expect(rightsOn('cora', [grant('ben', offered), grant('cora', { own: true }, by('ben'))])).toBeNull();
  });

  test('lasts as long as its shortest link', () => {
    const grants = [
      grant('ben', share, { expiresAtMs: nowMs + hour }),
      grant('cora', {}, { ...by('ben'), expiresAtMs: nowMs + 2 * hour }),
    ];
    expect(rightsOn('cora', grants)?.expiresAtMs).toBe(nowMs + hour);
    expect(rightsOn('cora', grants, { atMs: nowMs + hour })).toBeNull();
  });

  test('has four links at most', () => {
    const chain = [
      grant('ben', share),
      grant('cora', share, by('ben')),
      grant('dan', share, by('cora')),
      grant('eva', share, by('dan')),
      grant('finn', share, by('eva')),
    ];
    expect(rightsOn('eva', chain)).not.toBeNull();
    expect(rightsOn('finn', chain)).toBeNull();
  });

  test('in a circle leads to no right', () => {
    const circle = [
      grant('ben', share, by('cora')),
      grant('cora', share, by('dan')),
      grant('dan', share, by('ben')),
    ];
    for (const name of ['ben', 'cora', 'dan'] as const) expect(rightsOn(name, circle)).toBeNull();
  });

  test('a circle beside a true way adds nothing to it', () => {
    const grants = [
      grant('ben', { share: true }),
      grant('cora', { share: true, edit: true }, by('ben')),
      grant('ben', { share: true, edit: true }, by('cora')),
    ];
    expect(rightsOn('ben', grants)?.rights.edit).toBe(false);
  });
});

describe('two ways', () => {
  test('give the rights of both, until the first of them ends', () => {
    const grants = [
      grant('ben', { share: true }),
      grant('cora', {}, { ...by('ben'), expiresAtMs: nowMs + hour }),
      grant('cora', { edit: true }, { expiresAtMs: nowMs + 2 * hour }),
    ];
    expect(rightsOn('cora', grants)?.rights.edit).toBe(true);
    expect(rightsOn('cora', grants)?.expiresAtMs).toBe(nowMs + 2 * hour);
  });

  test('a shorter one that gives more ends first', () => {
    const grants = [grant('ben'), grant('ben', { edit: true }, { ...toTeam, expiresAtMs: nowMs + hour })];
    const members = ['ben'] as const;
    expect(rightsOn('ben', grants, { members })).toEqual({
      rights: { ...viewRights, edit: true },
      expiresAtMs: nowMs + hour,
    });
    expect(rightsOn('ben', grants, { members, atMs: nowMs + hour })).toEqual({
      rights: viewRights,
      expiresAtMs: 0,
    });
  });

  test('launch-only beside view is view', () => {
    const grants = [grant('ben', launch), grant('ben', {}, toTeam)];
    expect(rightsOn('ben', grants, { members: ['ben'] })?.rights).toEqual(viewRights);
  });
});

describe('a team', () => {
  test('gives its members what it was given, and nobody else', () => {
    const grants = [grant('ben', { edit: true }, toTeam)];
    expect(rightsOn('cora', grants, { members: ['cora'] })?.rights.edit).toBe(true);
    expect(rightsOn('dan', grants, { members: ['cora'] })).toBeNull();
  });

  test('that the roster does not know gives nothing', () => {
    expect(rightsOn('ben', [grant('ben', {}, { ...toTeam, granteeUid: newUid() })])).toBeNull();
  });

  test('is no account: a grant to an account of its UID is not the team’s', () => {
    const grants = [grant('ben', {}, { ...toTeam, granteeKind: 'account' })];
    expect(rightsOn('ben', grants, { members: ['ben'] })).toBeNull();
  });
});

describe('a shared folder', () => {
  test('gives members what folder and entry both allow', () => {
    const grants = [grant('ben', { edit: true, share: true }, onFolder)];
    expect(rightsOn('ben', grants, { entries: [entry({ edit: true })] })?.rights).toEqual({
      ...viewRights,
      edit: true,
    });
    expect(
      rightsOn('ben', [grant('ben', {}, onFolder)], { entries: [entry({ edit: true })] })?.rights,
    ).toEqual(viewRights);
  });

  test('never gives the folder’s own rights on a record', () => {
    const grants = [grant('ben', { manageMembers: true, manageRecords: true }, onFolder)];
    expect(rightsOn('ben', grants, { entries: [entry()] })?.rights).toEqual(viewRights);
  });

  test('launch-only members launch, and so does everybody where the entry says so', () => {
    const entries = [entry({ edit: true })];
    expect(rightsOn('ben', [grant('ben', launch, onFolder)], { entries })?.rights).toEqual(launchRights);
    expect(
      rightsOn('ben', [grant('ben', { edit: true }, onFolder)], { entries: [entry(launch)] })?.rights,
    ).toEqual(launchRights);
  });

  test('gives nothing to who is no member', () => {
    expect(rightsOn('cora', [grant('ben', {}, onFolder)], { entries: [entry()] })).toBeNull();
  });

  test('an entry by somebody who may not share the record gives nothing', () => {
    const manage = { manageRecords: true };
    const grants = [grant('ben', manage, onFolder), grant('cora', {}, onFolder)];
    const entries = [entry({}, { authorUid: uidOfName.ben })];
    expect(rightsOn('cora', grants, { entries })).toBeNull();
    expect(rightsOn('cora', [...grants, grant('ben')], { entries })).toBeNull();
    expect(rightsOn('cora', [...grants, grant('ben', { share: true })], { entries })?.rights).toEqual(
      viewRights,
    );
  });

  test('an entry by somebody who may not put records there gives nothing', () => {
    const grants = [grant('ben', { share: true }), grant('ben', {}, onFolder), grant('cora', {}, onFolder)];
    expect(rightsOn('cora', grants, { entries: [entry({}, { authorUid: uidOfName.ben })] })).toBeNull();
  });

  test('an entry that says more than its author may is cut to that', () => {
    const grants = [
      grant('ben', { share: true }),
      grant('ben', { manageRecords: true }, onFolder),
      grant('cora', { edit: true }, onFolder),
    ];
    const entries = [entry({ edit: true }, { authorUid: uidOfName.ben })];
    expect(rightsOn('cora', grants, { entries })?.rights.edit).toBe(false);
  });

  test('a forged owner of folder or record in an entry leads nowhere', () => {
    const grants = [grant('ben', { edit: true }, { ...onFolder, ownerUid: uidOfName.ben, ...by('ben') })];
    const own = { folderOwnerUid: uidOfName.ben, authorUid: uidOfName.ben };
    expect(rightsOn('ben', grants, { entries: [entry({}, own)] })).toBeNull();
    expect(
      rightsOn('ben', grants, { entries: [entry({}, { ...own, recordOwnerUid: uidOfName.ben })] }),
    ).toBeNull();
  });

  test('ends with the membership, the author’s share right and the author’s place in it', () => {
    const at = (grants: Parameters<typeof grant>[2]) => ({ ...onFolder, ...grants });
    const grants = [
      grant('ben', { share: true }, { expiresAtMs: nowMs + 3 * hour }),
      grant('ben', { manageRecords: true }, at({ expiresAtMs: nowMs + 2 * hour })),
      grant('cora', {}, at({ expiresAtMs: nowMs + 4 * hour })),
    ];
    const entries = [entry({}, { authorUid: uidOfName.ben })];
    expect(rightsOn('cora', grants, { entries })?.expiresAtMs).toBe(nowMs + 2 * hour);
    expect(rightsOn('cora', grants, { entries, atMs: nowMs + 2 * hour })).toBeNull();
  });

  test('a member with the share right may hand the record on', () => {
    const grants = [grant('ben', { share: true }, onFolder), grant('cora', {}, by('ben'))];
    expect(rightsOn('cora', grants, { entries: [entry({ share: true })] })?.rights).toEqual(viewRights);
    expect(rightsOn('cora', grants, { entries: [entry()] })).toBeNull();
  });

  test('whoever may not manage members takes nobody in', () => {
    const grants = [
      grant('ben', { edit: true, share: true }, onFolder),
      grant('cora', {}, { ...onFolder, ...by('ben') }),
    ];
    expect(rightsOn('cora', grants, { entries: [entry()] })).toBeNull();
  });

  test('whoever manages members takes in, with no more than the own rights', () => {
    const ben = grant('ben', { manageMembers: true }, onFolder);
    const entries = [entry({ edit: true })];
    expect(
      rightsOn('cora', [ben, grant('cora', {}, { ...onFolder, ...by('ben') })], { entries }),
    ).not.toBeNull();
    expect(
      rightsOn('cora', [ben, grant('cora', { edit: true }, { ...onFolder, ...by('ben') })], { entries }),
    ).toBeNull();
  });
});

describe('a key that was replaced', () => {
  const at = (keyVersion: number, grants: readonly Grant[], entries: readonly FolderEntry[] = []) =>
    new AccessRules(rosterOf(), { grants, entries }).toRecord(
      uidOfName.ben,
      record,
      uidOfName.owner,
      nowMs,
      keyVersion,
    );
  const since = { issuedAtMs: nowMs + 1, keyVersion: 2 };

  test('takes what was given under it along: the former, wider grant of another granter too', () => {
    const cora = grant('cora', { edit: true, share: true });
    const wide = grant('ben', { edit: true }, by('cora'));
    expect(at(1, [cora, wide])?.rights.edit).toBe(true);
    const present = grant('ben', {}, since);
    expect(at(2, [cora, wide, present])?.rights.edit).toBe(false);
    expect(at(2, [cora, wide])).toBeNull();
  });

  test('takes the right to hand on along', () => {
    const cora = grant('cora', { edit: true, share: true });
    const wide = grant('ben', { edit: true }, { ...by('cora'), keyVersion: 2 });
    expect(at(2, [cora, wide])).toBeNull();
  });

  test('of a folder: a former membership opens no entry of the new key, a new one those of the former', () => {
    const former = grant('ben', { edit: true }, onFolder);
    const ending = grant('ben', {}, { ...onFolder, ...since, expiresAtMs: nowMs + 10 });
    const put = (folderKeyVersion: number) => [entry({ edit: true }, { folderKeyVersion })];
    expect(at(1, [former], put(2))).toBeNull();
    expect(at(1, [ending], put(1))?.expiresAtMs).toBe(nowMs + 10);
    expect(at(1, [ending], put(2))?.rights.edit).toBe(false);
  });

  test('of a folder: what was given under it does not count for who writes the folder', () => {
    const rules = new AccessRules(rosterOf(), {
      grants: [grant('ben', { manageRecords: true }, onFolder)],
      entries: [],
    });
    const ask = (keyVersion: number) =>
      rules.toFolder(uidOfName.ben, folder, uidOfName.owner, nowMs, keyVersion)?.rights.manageRecords ??
      false;
    expect([1, 2].map(ask)).toEqual([true, false]);
  });

  test('of a record: an entry with it is not one with the new key', () => {
    const grants = [grant('ben', { edit: true }, onFolder)];
    expect(at(2, grants, [entry({ edit: true })])).toBeNull();
    expect(at(2, grants, [entry({ edit: true }, { recordKeyVersion: 2 })])?.rights.edit).toBe(true);
  });
});

test('hostile shares cost no more than what was signed: everybody to everybody, in many folders', () => {
  const others = names.filter((name) => name !== 'owner');
  const pairs = others.flatMap((from) => others.map((to) => [from, to] as const));
  const wide = { share: true, manageMembers: true, manageRecords: true };
  const folders = Array.from({ length: 16 }, () => newUid());
  const grants = pairs.flatMap(([from, to]) => [
    grant(to, wide, by(from)),
    ...folders.map((objectUid) => grant(to, wide, { ...onFolder, ...by(from), objectUid })),
  ]);
  const entries = others.flatMap((name) =>
    folders.map((folderUid) => entry(wide, { folderUid, authorUid: uidOfName[name] })),
  );
  const rules = new AccessRules(rosterOf(), { grants, entries });
  for (const name of others)
    expect(rules.toRecord(uidOfName[name], record, uidOfName.owner, nowMs)).toBeNull();
  expect(rules.toFolder(uidOfName.ben, folder, uidOfName.owner, nowMs)).toBeNull();
});

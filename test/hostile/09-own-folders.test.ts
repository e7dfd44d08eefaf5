// Attack classes 9 and 10, of an account's own folders: a server exchanges what is in them, serves a former revision, puts
// one's key under another's name, or presents somebody else's folder as one's own. protocol.md §9.7, §9.8, §19.4.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { RecordService, type Record } from '../../protocol/messages/gen/record_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { organisationPassword, startOrganisation } from '../fixtures/organisation.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';

const isIncomplete = (engine: TestEngine) => engine.states.at(-1)?.vaultIncomplete;

/** Every folder with the name of the one that it is shown in. */
async function treeOf(engine: TestEngine): Promise<Tree> {
  const { folders } = await engine.listPlaces();
  const nameOf = (uid: Uid | null) => folders.find((folder) => folder.uid === uid)?.name ?? null;
  return Object.fromEntries(folders.map(({ name, parentUid }) => [name, nameOf(parentUid)]));
}
type Tree = Readonly<{ [name: string]: string | null }>;

describe('personal folders', () => {
  const [email, password] = ['victim@example.test', 'correct horse battery staple'];
  let server: HostileServer;
  let victim: TestEngine;
  let outer: Uid, inner: Uid, other: Uid, login: Uid;
  const engines: TestEngine[] = [];
  const tree = { outer: null, inner: 'outer', other: null };

  beforeEach(async () => {
    server = await HostileServer.start();
    victim = await device();
    await victim.draftRecoveryPhrase();
    await victim.createAccount({ email, password });
    outer = await victim.createFolder({ name: 'outer', parentUid: null });
    inner = await victim.createFolder({ name: 'inner', parentUid: outer });
    other = await victim.createFolder({ name: 'other', parentUid: null });
    login = await victim.saveRecord({ content: { type: 'login', title: 'a login', fields: [] } });
    await victim.moveRecords({ uids: [login], folderUid: inner });
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });

  async function device(): Promise<TestEngine> {
    const engine = await startEngine(server.origin, { transport: server.transport });
    engines.push(engine);
    return engine;
  }

  async function freshDevice(): Promise<TestEngine> {
    const engine = await device();
    await engine.signIn({ email, password });
    return engine;
  }

  const rowOf = (uid: Uid) => server.stored.find(({ recordUid }) => uidOf(recordUid) === uid) as Record;
  const [key, data] = [['sealedKey'] as const, ['sealedData', 'signature'] as const];

  function exchange(one: Uid, two: Uid, members: readonly (keyof Record)[]): void {
    const [first, second] = [rowOf(one), rowOf(two)];
    const kept = { ...first };
    for (const member of members) Object.assign(first, { [member]: second[member] });
    for (const member of members) Object.assign(second, { [member]: kept[member] });
    server.touch();
  }

  test('an honest server: each is where it was put', async () => {
    const fresh = await freshDevice();
    expect([await treeOf(fresh), isIncomplete(fresh)]).toEqual([tree, false]);
    expect((await fresh.queryRecords(everythingIn(inner))).rows.map(({ title }) => title)).toEqual([
      'a login',
    ]);
  });

  test.each([
    ['what is in them', data],
    ['their keys', key],
    ['key and content', [...key, ...data] as const],
  ])('%s exchanged: shown on no device, and the fresh one is told', async (_name, members) => {
    exchange(inner, other, members);
    await victim.syncNow();
    expect(await treeOf(victim)).toEqual(tree);
    const fresh = await freshDevice();
    expect(Object.keys(await treeOf(fresh))).toEqual(['outer']);
    expect(isIncomplete(fresh)).toBe(true);
    expect((await fresh.listRecords()).map(({ title }) => title)).toEqual(['a login']);
  });

  test('a parent of before is served again: the device that knows keeps the new one, the other is told', async () => {
    const former = { ...rowOf(inner) };
    await victim.moveFolder({ folderUid: inner, parentUid: other });
    Object.assign(rowOf(inner), former);
    server.touch();
    await victim.syncNow();
    expect((await treeOf(victim))['inner']).toBe('other');
    expect(isIncomplete(await freshDevice())).toBe(true);
  });

  test('folders that two devices put into each other are both shown, and nothing in them is lost', async () => {
    const second = await freshDevice();
    server.lie(RecordService.method.sync, (answer) => void answer.records.splice(0)); // neither hears of the other's move
    await victim.moveFolder({ folderUid: other, parentUid: inner });
    await second.moveFolder({ folderUid: outer, parentUid: other }).catch(() => undefined);
    server.honest();
    server.touch();
    for (const engine of [victim, second]) await engine.syncNow();
    const fresh = await freshDevice();
    for (const engine of [victim, second, fresh]) {
      const shown = await treeOf(engine);
      expect(Object.keys(shown).sort()).toEqual(['inner', 'other', 'outer']);
      expect(reachedFromTop(shown)).toEqual(['inner', 'other', 'outer']);
      expect((await engine.listRecords()).map(({ title }) => title)).toEqual(['a login']);
    }
  });

  test('a folder that is hidden takes nothing with it that was in it', async () => {
    server.lie(RecordService.method.sync, (answer) => {
      answer.records = answer.records.filter(({ recordUid }) => uidOf(recordUid) !== outer);
    });
    const fresh = await freshDevice();
    expect(isIncomplete(fresh)).toBe(true);
    expect(await treeOf(fresh)).toEqual({ inner: null, other: null });
    expect((await fresh.queryRecords(everythingIn(inner))).rows.map(({ title }) => title)).toEqual([
      'a login',
    ]);
  });
});

describe('shared folders', () => {
  let open: OpenServer;
  let ada: TestEngine, ben: TestEngine;
  let first: Uid, second: Uid, foreign: Uid, adaUid: Uid;
  const engines: TestEngine[] = [];

  beforeAll(async () => {
    open = await startOpenServer();
    const people = await startOrganisation(open.server.url, 2);
    engines.push(...people.map(({ engine }) => engine));
    [ada, ben] = engines as [TestEngine, TestEngine];
    adaUid = (await ada.readOrganisation()).ownUid;
    first = await ada.createSharedFolder('first');
    second = await ada.createSharedFolder('second');
    foreign = await ben.createSharedFolder('of ben');
    await ben.shareFolder({
      ...{ folderUid: foreign, grantees: [{ kind: 'account', uid: adaUid }], expiresAt: null },
      rights: { records: 'view', manageMembers: false, manageRecords: false },
    });
  });
  afterAll(async () => {
    for (const engine of engines) await engine.close();
    await open.close();
  });

  const rowOf = (uid: Uid) =>
    open.db
      .selectFrom('shared_folder')
      .selectAll()
      .where('folder_uid', '=', uidBytes(uid))
      .executeTakeFirstOrThrow();
  const put = (uid: Uid, change: object) =>
    open.db.updateTable('shared_folder').set(change).where('folder_uid', '=', uidBytes(uid)).execute();

  /** Lies for one fresh device, then tells the truth again. */
  async function shownWith(changes: readonly (readonly [Uid, object])[]) {
    const kept = await Promise.all(changes.map(async ([uid]) => [uid, await rowOf(uid)] as const));
    for (const [uid, change] of changes) await put(uid, change);
    const engine = await startEngine(open.server.url);
    try {
      await engine.signIn({ email: 'person-0@example.test', password: organisationPassword });
      await engine.syncNow();
      return { names: Object.keys(await treeOf(engine)).sort(), incomplete: isIncomplete(engine) };
    } finally {
      await engine.close();
      for (const [uid, row] of kept) await put(uid, row);
    }
  }

  test('an honest server: both, and the vault is whole', async () => {
    const shown = await shownWith([]);
    expect([shown.names.filter((name) => name !== 'of ben'), shown.incomplete]).toEqual([
      ['first', 'second'],
      false,
    ]);
  });

  test('the keys of two exchanged, or one of noise: neither is shown under another’s name', async () => {
    const [one, two] = [await rowOf(first), await rowOf(second)];
    const keys = await shownWith([
      [first, { sealed_key: two.sealed_key }],
      [second, { sealed_key: one.sealed_key }],
    ]);
    expect(keys.names).not.toContain('first');
    expect(keys.names).not.toContain('second');
    const noise = await shownWith([[first, { sealed_key: randomBytes(one.sealed_key.length) }]]);
    expect(noise.names).not.toContain('first');
    expect(noise.names).toContain('second');
  });

  test('what is in them exchanged, with its signature: refused, and the vault is incomplete', async () => {
    const [one, two] = [await rowOf(first), await rowOf(second)];
    const members = ({ sealed_data, signature, covered_tag }: typeof one) => ({
      sealed_data,
      signature,
      covered_tag,
    });
    const shown = await shownWith([
      [first, members(two)],
      [second, members(one)],
    ]);
    expect(shown.names).not.toContain('first');
    expect(shown.incomplete).toBe(true);
  });

  test('a former name, true as it once was: the vault is incomplete', async () => {
    const former = await rowOf(second);
    await ada.renameSharedFolder({ folderUid: second, name: 'second, newer' });
    const shown = await shownWith([[second, former]]);
    expect(shown.incomplete).toBe(true);
    await ada.syncNow();
    expect(Object.keys(await treeOf(ada))).toContain('second, newer');
  });

  test('somebody else’s folder said to be one’s own, and one’s own said to be another’s', async () => {
    const mine = await rowOf(first);
    const theirs = await rowOf(foreign);
    const claimed = await shownWith([
      [foreign, { owner_uid: uidBytes(adaUid), sealed_key: mine.sealed_key }],
    ]);
    expect(claimed.names).not.toContain('of ben');
    const given = await shownWith([[first, { owner_uid: theirs.owner_uid, writer_uid: theirs.writer_uid }]]);
    expect(given.names).not.toContain('first');
    expect(given.incomplete).toBe(true);
  });

  test('a revision or key version that none has', async () => {
    const { revision, key_version } = await rowOf(first);
    for (const change of [{ revision: revision + 1 }, { key_version: key_version + 1 }]) {
      const shown = await shownWith([[first, change]]);
      expect(shown.names).not.toContain('first');
      expect(shown.incomplete).toBe(true);
    }
  });
});

const everythingIn = (folderUid: Uid) => ({
  ...{ filter: { folderUid }, sort: { by: 'title', descending: false } as const, offset: 0, limit: 50 },
});

/** The names that somebody comes to who opens folder after folder. */
function reachedFromTop(tree: Tree): string[] {
  const reached = new Set<string>();
  const open = (parent: string | null): void => {
    for (const [name, at] of Object.entries(tree))
      if (at === parent && !reached.has(name)) {
        reached.add(name);
        open(name);
      }
  };
  open(null);
  return [...reached].sort();
}

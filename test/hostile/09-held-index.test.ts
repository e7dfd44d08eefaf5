// Attack class 9: the server gives a new device another index than the account's devices left, or other rows beside it.
// The index says what is in a row and nothing else: whatever is made of it costs time alone. protocol.md §24.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type * as limitsModule from '../../protocol/limits.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { RecordOpener } from '../../workers/engine/records/record-opener.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { leaveIndex } from '../fixtures/held-index.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';
import { UnsteadyTransport } from '../fixtures/unsteady-transport.ts';

/** Of small vaults too, and in several parts. */
vi.mock('../../protocol/limits.ts', async (original) => {
  const { limits } = await original<typeof limitsModule>();
  return { limits: { ...limits, heldIndex: { ...limits.heldIndex, part: 256, things: 2 } } };
});

const password = 'correct horse battery staple';
const content = (title: string) => ({
  ...{ type: 'login', title },
  fields: [{ type: 'password', value: [`secret of ${title}`] }],
});

/** A person whose devices leave indexes. */
interface Victim {
  readonly email: string;
  readonly engine: TestEngine;
  readonly network: UnsteadyTransport;
  readonly own: Uint8Array;
  readonly uids: Uid[];
}

let open: OpenServer;
let victim: Victim;
let other: Victim;
const engines: TestEngine[] = [];
const opened = vi.spyOn(RecordOpener.prototype, 'open');

async function person(email: string): Promise<Victim> {
  const network = new UnsteadyTransport();
  const engine = await startEngine(open.server.url, { transport: network });
  await engine.draftRecoveryPhrase();
  await engine.createAccount({ email, password });
  const { ownUid } = await engine.readOrganisation();
  const uids: Uid[] = [];
  for (const title of ['A', 'B', 'C']) uids.push(await engine.saveRecord({ content: content(title) }));
  await engine.setFavourite({ uids: uids.slice(0, 1), favourite: true });
  return { email, engine, network, own: uidBytes(ownUid), uids };
}

const leave = ({ engine, network }: Victim) => leaveIndex({ open, engine, network, password });

type Index = Awaited<ReturnType<typeof indexOf>>;

async function indexOf({ own }: Victim) {
  const index = open.db.selectFrom('held_index').selectAll().where('account_uid', '=', own);
  const parts = open.db.selectFrom('held_index_part').selectAll().where('account_uid', '=', own);
  return { index: await index.executeTakeFirstOrThrow(), parts: await parts.orderBy('part').execute() };
}

/** The server holds this for the victim from now on. */
async function hold({ index, parts }: Index): Promise<void> {
  const account_uid = victim.own;
  await open.db.deleteFrom('held_index').where('account_uid', '=', account_uid).execute();
  await open.db
    .insertInto('held_index')
    .values({ ...index, account_uid })
    .execute();
  const rows = parts.map((part, at) => ({ ...part, part: at, account_uid }));
  await open.db
    .insertInto('held_index_part')
    .values(rows.map((row) => ({ ...row, generation_uid: index.generation_uid })))
    .execute();
}

const shown = async (engine: TestEngine) =>
  (await engine.listRecords()).map(({ uid, title, favourite }) => [title, uid, favourite]).sort();

async function newDevice() {
  opened.mockClear();
  const transport = new UnsteadyTransport();
  // What is held stays what the test says.
  transport.fate = (method) => (method === 'HeldIndexService/PutHeldIndexPart' ? 'is-lost' : 'arrives');
  const engine = await startEngine(open.server.url, { transport });
  engines.push(engine);
  await engine.signIn({ email: victim.email, password });
  await engine.syncNow();
  return { engine, opened: opened.mock.calls.length };
}

let former: Index;
let newest: Index;

beforeAll(async () => {
  open = await startOpenServer();
  [victim, other] = [await person('victim@example.test'), await person('other@example.test')];
  await leave(victim);
  await leave(other);
  former = await indexOf(victim);
  const [first = '' as Uid] = victim.uids;
  await victim.engine.saveRecord({ uid: first, baseRevision: 1, content: content('A, changed') });
  await leave(victim);
  newest = await indexOf(victim);
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});
afterAll(async () => {
  for (const { engine } of [victim, other]) await engine.close();
  await open.close();
});

describe('a server that holds', () => {
  test('what it was given: nothing is opened', async () => {
    await hold(newest);
    expect(newest.parts.length).toBeGreaterThan(2);
    const { engine, opened } = await newDevice();
    expect([await shown(engine), opened]).toEqual([await shown(victim.engine), 0]);
  });

  test('what it was given before: what changed since is opened', async () => {
    await hold(former);
    const { engine, opened } = await newDevice();
    expect([await shown(engine), opened]).toEqual([await shown(victim.engine), 1]);
  });

  const swapped = ({ index, parts: [one, two, ...rest] }: Index) => ({
    index,
    parts: [two, one, ...rest].filter((part) => part !== undefined),
  });
  const lies: readonly (readonly [string, () => Promise<Index> | Index])[] = [
    ['a part of another generation', () => ({ ...newest, parts: newest.parts.with(1, former.parts[1]!) })],
    ['its parts in another order', () => swapped(newest)],
    [
      'less of it',
      () => ({
        index: { ...newest.index, part_count: newest.parts.length - 1 },
        parts: newest.parts.slice(0, -1),
      }),
    ],
    ['it without a part', () => ({ ...newest, parts: newest.parts.slice(0, -1) })],
    ['more parts than there may be', () => ({ ...newest, index: { ...newest.index, part_count: 65 } })],
    ['the index of another account', () => indexOf(other)],
    [
      'a part that was changed',
      () => ({
        ...newest,
        parts: newest.parts.map((part) => ({
          ...part,
          sealed: part.sealed.map((byte, i) => byte ^ +(i === 99)),
        })),
      }),
    ],
  ];
  test.each(lies)('%s: everything is opened', async (_, lie) => {
    await hold(await lie());
    const { engine, opened } = await newDevice();
    expect([await shown(engine), opened]).toEqual([await shown(victim.engine), 3]);
    expect(engine.states.at(-1)).toMatchObject({ vaultIncomplete: false, refusedRecords: 0 });
  });
});

describe('beside the index that it was given, a server that shows', () => {
  /** Changes rows for one new device. */
  async function showing(sets: Record<string, Uint8Array | number>, uid: Uid) {
    await hold(newest);
    const row = open.db.selectFrom('record').selectAll().where('record_uid', '=', uidBytes(uid));
    const true_ = await row.executeTakeFirstOrThrow();
    const write = (values: object) =>
      open.db.updateTable('record').set(values).where('record_uid', '=', uidBytes(uid)).execute();
    await write(sets);
    const device = await newDevice();
    await write(true_);
    return device;
  }

  const lies: readonly (readonly [string, string])[] = [
    ['the key of another record', 'sealed_key'],
    ['the content of another record', 'sealed_data'],
  ];
  test.each(lies)('%s: it is refused, as without an index', async (_, column) => {
    const [, one = '' as Uid, two = '' as Uid] = victim.uids;
    const row = open.db.selectFrom('record').selectAll().where('record_uid', '=', uidBytes(two));
    const foreign = await row.executeTakeFirstOrThrow();
    const { engine } = await showing({ [column]: foreign[column as 'sealed_key'] }, one);
    expect((await engine.listRecords()).map(({ title }) => title).sort()).toEqual(['A, changed', 'C']);
    expect(engine.states.at(-1)).toMatchObject({ vaultIncomplete: true, refusedRecords: 1 });
  });

  test('a former revision: it is not what the manifest covers', async () => {
    const [first = '' as Uid] = victim.uids;
    const history = open.db
      .selectFrom('record_history')
      .selectAll()
      .where('record_uid', '=', uidBytes(first));
    const before = await history.executeTakeFirstOrThrow();
    const { sealed_data, signature, revision } = before;
    const { engine } = await showing({ sealed_data, signature, revision }, first);
    expect(engine.states.at(-1)?.vaultIncomplete).toBe(true);
  });

  test('a record less: it is missing, whatever the index says of it', async () => {
    await hold(newest);
    const [, second = '' as Uid] = victim.uids;
    await open.db.deleteFrom('feed').where('object_uid', '=', uidBytes(second)).execute();
    const { engine } = await newDevice();
    expect((await engine.listRecords()).map(({ title }) => title).sort()).toEqual(['A, changed', 'C']);
    expect(engine.states.at(-1)?.vaultIncomplete).toBe(true);
  });
});

// What is done with more records than fit into one request. The server is an honest one here.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { utf8 } from '../../../protocol/bytes.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { HostileServer } from '../../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';

const many = 520;
let server: HostileServer;
let engine: TestEngine;
let uids: Uid[];
/** Nothing reaches the server. */
let cut: boolean;

beforeEach(async () => {
  server = await HostileServer.start();
  cut = false;
  const { transport } = server;
  const request: typeof transport.request = async (...asked) => {
    if (cut) throw new ProtocolError('offline', 'the cable is out');
    return await transport.request(...asked);
  };
  engine = await startEngine(server.origin, { transport: { ...transport, request } });
  await engine.draftRecoveryPhrase();
  await engine.createAccount({ email: 'many@example.test', password: 'correct horse battery staple' });
  const rows = Array.from({ length: many }, (_, i) => `R${i},somebody`);
  const table = utf8(['title,username', ...rows].join('\n'));
  const { previewUid } = await engine.previewImport({ format: 'csv', bytes: table });
  uids = [...(await engine.runImport({ previewUid, folderUid: null })).recordUids];
}, 60_000);
afterEach(() => engine.close());

const total = async (filter = {}) => {
  const sort = { by: 'title', descending: false } as const;
  return (await engine.queryRecords({ filter, sort, offset: 0, limit: 1 })).total;
};

test('many records are moved, marked, thrown away and brought back, in parts, and all is taken back', async () => {
  const folderUid = await engine.createFolder({ name: 'F', parentUid: null });
  const steps: number[] = [];
  const moved = await engine.moveRecords({ uids, folderUid }, (done) => steps.push(done));
  expect([moved.changed, steps]).toEqual([many, [500, many]]);
  await engine.changeTags({ uids, add: ['all'], remove: [] });
  expect([await total({ folderUid }), await total({ tag: 'all' })]).toEqual([many, many]);
  const thrown: number[] = [];
  const trashed = await engine.trashRecords(uids, (done) => thrown.push(done));
  expect(thrown).toEqual([200, 400, many]);
  expect([await total(), (await engine.listTrash()).length]).toEqual([0, many]);
  await engine.undo(trashed.token);
  await engine.undo(moved.token);
  expect([await total(), await total({ folderUid }), await total({ folderUid: 'top' })]).toEqual([
    many,
    0,
    many,
  ]);
  await engine.trashRecords(uids);
  await engine.purgeRecords(uids);
  expect([await total(), (await engine.listTrash()).length, server.records.size]).toEqual([0, 0, 1]);
  expect(engine.states.at(-1)?.vaultIncomplete).toBe(false);
}, 120_000);

test('what is cancelled stays as far as it came, and exactly that is taken back', async () => {
  const folderUid = await engine.createFolder({ name: 'F', parentUid: null });
  const moved = await engine.moveRecords({ uids, folderUid }, () => void engine.cancelBulk('move'), 'move');
  expect(moved).toMatchObject({ changed: 500, of: many, stopped: 'cancelled' });
  expect(await total({ folderUid })).toBe(500);
  const [last = uids[0]] = uids.slice(-1);
  await engine.moveRecords({ uids: last ? [last] : [], folderUid });
  await engine.undo(moved.token);
  expect(await total({ folderUid })).toBe(1);

  const cancelAt400 = (done: number) => void (done === 400 && engine.cancelBulk('trash'));
  const trashed = await engine.trashRecords(uids, cancelAt400, 'trash');
  expect(trashed).toMatchObject({ changed: 400, of: many, stopped: 'cancelled' });
  expect((await engine.listTrash()).map(({ uid }) => uid).sort()).toEqual(uids.slice(0, 400).sort());
  const purged = await engine.purgeRecords(uids.slice(0, 100));
  expect(purged).toEqual({ changed: 100, of: 100, stopped: null });
  const back = await engine.restoreRecords(
    uids.slice(100, 400),
    () => void engine.cancelBulk('back'),
    'back',
  );
  expect(back).toMatchObject({ changed: 200, of: 300, stopped: 'cancelled' });
  await engine.undo(back.token);
  expect(await total({ trashed: true })).toBe(300);
}, 120_000);

test('each is cancelled by its own name, and the others go on', async () => {
  const [some, others] = [uids.slice(0, 260), uids.slice(260)];
  const cancel = () => void engine.cancelBulk('some');
  const [cancelled, whole] = await Promise.all([
    engine.trashRecords(some, cancel, 'some'),
    engine.trashRecords(others, undefined, 'others'),
  ]);
  expect(cancelled).toMatchObject({ changed: 200, of: 260, stopped: 'cancelled' });
  expect(whole).toMatchObject({ changed: 260, stopped: null });
  await engine.cancelBulk('some'); // over: nothing to end
  expect(await total({ trashed: true })).toBe(460);
}, 120_000);

test('what fails on the way stays as far as it came; what fails at once is an error', async () => {
  const trashed = await engine.trashRecords(uids, () => (cut = true));
  expect(trashed).toMatchObject({ changed: 200, of: many, stopped: 'offline' });
  await expect(engine.setFavourite({ uids, favourite: true })).rejects.toMatchObject({ name: 'offline' });
  cut = false;
  await engine.undo(trashed.token);
  expect(await total()).toBe(many);
}, 120_000);

test('the report on passwords tells how far it is', async () => {
  const steps: (readonly [number, number])[] = [];
  await engine.reportPasswords({ oldAfterDays: 365 }, (done, of) => steps.push([done, of]));
  expect(steps.slice(0, 3)).toEqual([
    [0, many],
    [25, many],
    [50, many],
  ]);
}, 60_000);

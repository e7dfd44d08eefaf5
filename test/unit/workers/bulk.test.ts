// What is done with more records than fit into one request. The server is an honest one here.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import { HostileServer } from '../../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';

const many = 520;
let server: HostileServer;
let engine: TestEngine;
let uids: Uid[];

beforeEach(async () => {
  server = await HostileServer.start();
  engine = await startEngine(server.origin, { transport: server.transport });
  await engine.draftRecoveryPhrase();
  await engine.createAccount({ email: 'many@example.test', password: 'correct horse battery staple' });
  uids = [];
  for (let i = 0; i < many; i++)
    uids.push(await engine.saveRecord({ content: { type: 'login', title: `R${i}`, fields: [] } }));
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

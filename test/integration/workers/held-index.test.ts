// What a device leaves at the server for the next new one, on a real server with real engines. protocol.md §24.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { HeldIndexService } from '../../../protocol/messages/gen/held-index_pb.js';
import { RecordOpener } from '../../../workers/engine/records/record-opener.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { leaveIndex } from '../../fixtures/held-index.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { UnsteadyTransport } from '../../fixtures/unsteady-transport.ts';
import { jsonBytes } from '../../unit/workers/exchange/samples.ts';

const [email, password] = ['many@example.test', 'correct horse battery staple'];
const count = 1_000;
const items = Array.from({ length: count }, (_, i) => ({
  ...{ type: 1, name: `Item ${i}`, favorite: i % 4 === 0 },
  login: { username: `user ${i}`, password: `password ${i}` },
}));

const nameOf = (method: { readonly name: string }) => `HeldIndexService/${method.name}`;
const { describeHeldIndex, getHeldIndexPart, putHeldIndexPart, finishHeldIndex } = HeldIndexService.method;

describe('an account of a thousand records', () => {
  let open: OpenServer;
  let first: TestEngine;
  const network = new UnsteadyTransport();
  const engines: TestEngine[] = [];
  const opened = vi.spyOn(RecordOpener.prototype, 'open');

  beforeAll(async () => {
    open = await startOpenServer();
    first = await startEngine(open.server.url, { transport: network });
    await first.draftRecoveryPhrase();
    await first.createAccount({ email, password });
    const { previewUid } = await first.previewImport({ format: 'bitwarden', bytes: jsonBytes({ items }) });
    await first.runImport({ previewUid, folderUid: null });
    await leave();
  });
  const leave = () => leaveIndex({ open, engine: first, network, password });

  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });
  afterAll(async () => {
    await first.close();
    await open.close();
  });

  /** A new browser, once everything is there; how many records it opened for that. */
  async function newDevice(transport = new UnsteadyTransport()) {
    opened.mockClear();
    const engine = await startEngine(open.server.url, { transport });
    engines.push(engine);
    await engine.signIn({ email, password });
    await engine.syncNow();
    return { engine, opened: opened.mock.calls.length };
  }

  const shown = async (engine: TestEngine) =>
    (await engine.listRecords()).map(({ title, favourite, subtitle }) => [title, subtitle, favourite]).sort();

  test('a new device opens no record, shows them all, and reads each', async () => {
    const { engine, opened } = await newDevice();
    expect(opened).toBe(0);
    expect(await shown(engine)).toEqual(await shown(first));
    expect(engine.states.at(-1)).toMatchObject({ vaultIncomplete: false, refusedRecords: 0 });
    const [one] = await engine.listRecords({ favourite: true });
    const content = one && (await engine.readRecord(one.uid)).content;
    expect(content?.title).toBe(one?.title);
  });

  test('what changed since is opened', async () => {
    const [one, two] = await first.listRecords();
    if (!one || !two) throw new Error('two records');
    await first.saveRecord({
      ...{ uid: one.uid, baseRevision: 1 },
      content: { type: 'login', title: 'Changed', fields: [] },
    });
    await first.trashRecords([two.uid]);
    await first.saveRecord({ content: { type: 'login', title: 'New', fields: [] } });
    const { engine, opened } = await newDevice();
    expect(opened).toBe(3);
    expect(await shown(engine)).toEqual(await shown(first));
  });

  test('without what is held, or with a cut off one, everything is opened', async () => {
    for (const lost of [describeHeldIndex, getHeldIndexPart]) {
      const unsteady = new UnsteadyTransport();
      unsteady.fate = (method) => (method === nameOf(lost) ? 'is-lost' : 'arrives');
      const { engine, opened } = await newDevice(unsteady);
      expect(opened).toBeGreaterThanOrEqual(count);
      expect(await shown(engine)).toEqual(await shown(first));
    }
  });

  test('a device that was killed while it staged one leaves one as soon as it is back', async () => {
    const dying = new UnsteadyTransport();
    dying.fate = (method) => (method === nameOf(finishHeldIndex) ? 'is-lost' : 'arrives');
    await open.db.deleteFrom('held_index').execute();
    const killed = await startEngine(open.server.url, { transport: dying });
    await killed.signIn({ email, password });
    await killed.syncNow();
    await expect.poll(() => dying.count(nameOf(finishHeldIndex)), { timeout: 15_000 }).toBeGreaterThan(0);
    await killed.close();
    const staged = () => open.db.selectFrom('held_index').select(['complete']).execute();
    expect(await staged()).toEqual([{ complete: false }]);

    const back = new UnsteadyTransport();
    const left = back.answered(nameOf(finishHeldIndex));
    const again = await startEngine(open.server.url, { transport: back, storage: killed.storage });
    engines.push(again);
    await again.unlock({ password });
    await left;
    expect(await staged()).toEqual([{ complete: true }]);
    const { engine, opened } = await newDevice();
    expect([await shown(engine), opened]).toEqual([await shown(first), 0]);
  });

  test('what is near enough is not written anew', async () => {
    const before = network.count(nameOf(putHeldIndexPart));
    await first.lock();
    const asked = network.answered(nameOf(describeHeldIndex));
    await first.unlock({ password });
    await asked;
    await first.syncNow();
    expect(network.count(nameOf(putHeldIndexPart))).toBe(before);
  });

  test('under new keys of the account another one is left', async () => {
    await first.draftRecoveryPhrase();
    const { previewUid } = await first.previewKeyRotation();
    expect(await first.rotateKeys({ previewUid, password })).toEqual({ kind: 'done' });
    await leave();
    const { engine, opened } = await newDevice();
    expect([await shown(engine), opened]).toEqual([await shown(first), 0]);
  });
});

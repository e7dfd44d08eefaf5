// What a device leaves at the server for the next new one, on a real server with real engines. protocol.md §24.
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { HeldIndexService } from '../../../protocol/messages/gen/held-index_pb.js';
import { RecordOpener } from '../../../workers/engine/records/record-opener.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';
import { UnsteadyTransport } from '../../fixtures/unsteady-transport.ts';
import { jsonBytes } from '../../unit/workers/exchange/samples.ts';

const [email, password] = ['many@example.test', 'correct horse battery staple'];
const count = 1_000;
const items = Array.from({ length: count }, (_, i) => ({
  ...{ type: 1, name: `Item ${i}`, favorite: i % 4 === 0 },
  login: { username: `user ${i}`, password: `password ${i}` },
}));

/** A network that tells when a call was answered. */
class HeardTransport extends UnsteadyTransport {
  readonly #waiting = new Map<string, () => void>();

  readonly #request = this.request;
  override readonly request: UnsteadyTransport['request'] = async (url, body, signal) => {
    const answer = await this.#request(url, body, signal);
    this.#waiting.get(url.pathname.replace('/api/v1/', ''))?.();
    return answer;
  };

  answered(method: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(method, resolve));
  }
}

const nameOf = (method: { readonly name: string }) => `HeldIndexService/${method.name}`;
const { describeHeldIndex, getHeldIndexPart, putHeldIndexPart, finishHeldIndex } = HeldIndexService.method;
const finish = nameOf(finishHeldIndex);

describe('an account of a thousand records', () => {
  let server: TestServer;
  let first: TestEngine;
  const network = new HeardTransport();
  const engines: TestEngine[] = [];
  const opened = vi.spyOn(RecordOpener.prototype, 'open');

  beforeAll(async () => {
    server = await startTestServer();
    first = await startEngine(server.url, { transport: network });
    await first.draftRecoveryPhrase();
    await first.createAccount({ email, password });
    const { previewUid } = await first.previewImport({ format: 'bitwarden', bytes: jsonBytes({ items }) });
    const left = network.answered(finish);
    await first.runImport({ previewUid, folderUid: null });
    await first.syncNow();
    await first.lock();
    await first.unlock({ password });
    await left;
  }, 60_000);
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });
  afterAll(async () => {
    await first.close();
    await server.close();
  });

  /** A new browser, once everything is there; how many records it opened for that. */
  async function newDevice(transport = new HeardTransport()) {
    opened.mockClear();
    const engine = await startEngine(server.url, { transport });
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
      const unsteady = new HeardTransport();
      unsteady.fate = (method) => (method === nameOf(lost) ? 'is-lost' : 'arrives');
      const { engine, opened } = await newDevice(unsteady);
      expect(opened).toBeGreaterThanOrEqual(count);
      expect(await shown(engine)).toEqual(await shown(first));
    }
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
});

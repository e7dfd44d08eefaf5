import { createCipheriv, createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../../protocol/limits.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { TransferView } from '../../../workers/api.ts';
import { systemClock } from '../../../workers/engine/clock.ts';
import type { Environment } from '../../../workers/engine/environment.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';
import { UnsteadyTransport } from '../../fixtures/unsteady-transport.ts';

const password = 'correct horse battery staple';
const chunk = limits.fileChunk;
/** Waits of a retry pass at once; all else keeps its time. */
const hastyClock = {
  ...systemClock,
  schedule: (delayMs: number, task: () => void) => systemClock.schedule(Math.min(delayMs, 20), task),
};

/** Bytes that are the same for the same seed, and no chunk like another. */
function fileOf(name: string, size: number, seed = name, lastModified = 1_700_000_000_000): File {
  const key = createHash('sha256').update(seed).digest();
  const bytes = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
  return new File([bytes], name, { type: 'application/octet-stream', lastModified });
}

describe('attachments', () => {
  let server: TestServer;
  const engines: TestEngine[] = [];
  let people = 0;
  beforeAll(async () => {
    server = await startTestServer({ fileBounds: { largest: 64 * chunk, quota: 96 * chunk } });
  });
  afterAll(() => server.close());
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });

  async function start(changes: Partial<Environment> = {}): Promise<TestEngine> {
    const engine = await startEngine(server.url, changes);
    engines.push(engine);
    return engine;
  }

  async function person(changes: Partial<Environment> = {}) {
    const engine = await start(changes);
    const email = `attach${people++}@example.test`;
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password });
    const recordUid = await engine.saveRecord({ content: { type: 'login', title: 'Safe', fields: [] } });
    return { engine, email, recordUid };
  }

  async function download(engine: TestEngine, recordUid: Uid, fileUid: Uid): Promise<Buffer> {
    const file = (await engine.listFiles(recordUid)).find((one) => one.fileUid === fileUid);
    const parts: Uint8Array[] = [];
    for (let index = 0; index < (file?.chunks ?? 0); index++)
      parts.push(await engine.readFileChunk({ recordUid, fileUid, index }));
    return Buffer.concat(parts);
  }
  const bytesOf = async (file: File) => Buffer.from(await file.arrayBuffer());

  /** Resolves with the first state of the transfers, now or later, that fits. */
  async function transfersUntil(engine: TestEngine, fits: (all: readonly TransferView[]) => boolean) {
    return await new Promise<readonly TransferView[]>((resolve) => {
      void engine.watchTransfers((all) => fits(all) && resolve(all));
    });
  }

  test('files of every size come back on another device, and their keys never reach the page', async () => {
    const { engine, email, recordUid } = await person();
    const files = [0, 1, 5_000, chunk, 2 * chunk + 17].map((size) => fileOf(`file-${size}.bin`, size));
    const uids = await engine.attachFiles({ recordUid, files });
    const second = await start();
    await second.signIn({ email, password });
    const listed = await second.listFiles(recordUid);
    expect(listed.map(({ name, size }) => [name, size]).sort()).toEqual(
      files.map(({ name, size }) => [name, size]).sort(),
    );
    for (const [i, file] of files.entries()) {
      const got = await download(second, recordUid, uids[i] ?? expect.unreachable());
      expect(got.equals(await bytesOf(file))).toBe(true);
    }
    const view = await second.readRecord(recordUid);
    expect(JSON.stringify([view, listed])).not.toMatch(/"key":"[\w-]{43}"/);
    expect(view.revision).toBeLessThan(1 + files.length + 1); // those that came at once were written at once
    expect(await transfersUntil(engine, (all) => all.length === 0)).toEqual([]);
  });

  test('lost requests and lost answers are made up for, without a chunk more than needed', async () => {
    const transport = new UnsteadyTransport();
    const { engine, recordUid } = await person({ transport, clock: hastyClock });
    transport.fate = (method, nth) => {
      if (!/^FileService|PutRecords$/.test(method)) return 'arrives';
      return nth % 3 === 1 ? 'is-lost' : nth % 3 === 2 ? 'answer-is-lost' : 'arrives';
    };
    const file = fileOf('rough.bin', 5 * chunk + 3);
    const [fileUid] = await engine.attachFiles({ recordUid, files: [file] });
    transport.fate = () => 'arrives';
    expect(
      (await download(engine, recordUid, fileUid ?? expect.unreachable())).equals(await bytesOf(file)),
    ).toBe(true);
    expect(await engine.listFiles(recordUid)).toHaveLength(1);
  });

  test('locked in the middle, an upload goes on where it was, with the same file and no other', async () => {
    const transport = new UnsteadyTransport();
    const { engine, recordUid } = await person({ transport });
    const file = fileOf('long.bin', 12 * chunk);
    transport.onCall = (method, nth) => {
      if (method === 'FileService/PutChunk' && nth === 8) void engine.lock();
    };
    await expect(engine.attachFiles({ recordUid, files: [file] })).rejects.toMatchObject({
      code: 'cancelled',
    });
    transport.onCall = () => {};
    const sentBefore = transport.count('FileService/PutChunk');
    await engine.unlock({ password });
    const [stopped] = await transfersUntil(engine, (all) => all[0]?.state === 'file-needed');
    const { fileUid = expect.unreachable(), done = 0 } = stopped ?? {};
    expect(stopped).toMatchObject({ name: 'long.bin', size: 12 * chunk, recordUid });
    expect(done).toBeGreaterThan(0);
    const wrong = [
      fileOf('long.bin', 12 * chunk, 'other'),
      fileOf('long.bin', 12 * chunk, 'long.bin', 1_700_000_000_001),
      fileOf('long.bin', 11 * chunk),
    ];
    for (const other of wrong)
      await expect(engine.resumeTransfer({ fileUid, file: other })).rejects.toMatchObject({
        code: 'conflict',
      });
    await engine.resumeTransfer({ fileUid, file: fileOf('renamed.bin', 12 * chunk, 'long.bin') });
    const sentAfter = transport.count('FileService/PutChunk') - sentBefore;
    expect(sentAfter).toBe(13 - done / chunk);
    expect((await download(engine, recordUid, fileUid)).equals(await bytesOf(file))).toBe(true);
  });

  test('an upload that was whole but not yet named is named by the next visit, without the file', async () => {
    const transport = new UnsteadyTransport();
    const { engine, email, recordUid } = await person({ transport });
    transport.fate = (method) => (method === 'RecordService/PutRecords' ? 'is-lost' : 'arrives');
    transport.onCall = (method) => {
      if (method === 'RecordService/PutRecords') void engine.lock();
    };
    const file = fileOf('orphan.bin', chunk + 1);
    await expect(engine.attachFiles({ recordUid, files: [file] })).rejects.toMatchObject({
      code: 'cancelled',
    });
    const second = await start();
    await second.signIn({ email, password });
    await expect.poll(async () => (await second.listFiles(recordUid)).length).toBe(1);
    const [listed] = await second.listFiles(recordUid);
    const got = await download(second, recordUid, listed?.fileUid ?? expect.unreachable());
    expect(got.equals(await bytesOf(file))).toBe(true);
    expect(await transfersUntil(second, (all) => all.length === 0)).toEqual([]);
  });

  test('a cancelled upload leaves nothing, here and at the server', async () => {
    const transport = new UnsteadyTransport();
    const { engine, email, recordUid } = await person({ transport });
    let cancelling: Promise<void> | null = null;
    void engine.watchTransfers(([one]) => {
      if (one && one.done > 2 * chunk) cancelling ??= engine.cancelTransfer(one.fileUid);
    });
    await expect(
      engine.attachFiles({ recordUid, files: [fileOf('unwanted.bin', 20 * chunk)] }),
    ).rejects.toMatchObject({ code: 'cancelled' });
    await cancelling;
    expect(transport.count('FileService/PutChunk')).toBeLessThan(20);
    expect(await engine.listFiles(recordUid)).toEqual([]);
    const second = await start();
    await second.signIn({ email, password });
    await second.until(({ link }) => link === 'connected');
    expect(await transfersUntil(second, (all) => all.length === 0)).toEqual([]);
  });

  test('names change, files go and come back, whatever another device writes meanwhile', async () => {
    const { engine, email, recordUid } = await person();
    const files = ['a.txt', 'b.txt'].map((name) => fileOf(name, 10));
    const [a = expect.unreachable(), b = expect.unreachable()] = await engine.attachFiles({
      recordUid,
      files,
    });
    const second = await start();
    await second.signIn({ email, password });
    const rename = async (other: TestEngine, title: string) => {
      const view = await other.readRecord(recordUid);
      const content = { ...view.content, title };
      await other.saveRecord({
        uid: recordUid,
        baseRevision: view.revision,
        content,
        withheld: view.withheld,
      });
    };
    await rename(second, 'written by the second');
    await engine.renameFile({ recordUid, fileUid: a, name: ' new name.txt ' });
    await rename(second, 'written again').catch(() => second.syncNow().then(() => rename(second, 'again')));
    await engine.removeFile({ recordUid, fileUid: b });
    expect((await engine.listFiles(recordUid)).map(({ name }) => name)).toEqual(['new name.txt']);
    await engine.undoRemoveFile({ recordUid, fileUid: b });
    expect((await engine.listFiles(recordUid)).map(({ name }) => name)).toEqual(['new name.txt', 'b.txt']);
    expect((await download(engine, recordUid, b)).length).toBe(10);
    expect((await engine.readRecord(recordUid)).content.title).not.toBe('Safe');
    for (const name of ['', '../x', 'a\u202Etxt.exe'])
      await expect(engine.renameFile({ recordUid, fileUid: a, name })).rejects.toMatchObject({
        code: 'malformed',
      });
    await expect(engine.undoRemoveFile({ recordUid, fileUid: b })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  test('a bound is named, and the other files of the same drop arrive', async () => {
    const { engine, recordUid } = await person();
    const files = [fileOf('fits.bin', 10), new File([], 'large.bin')];
    Object.defineProperty(files[1], 'size', { value: 65 * chunk });
    Object.defineProperty(files[1], 'slice', { value: () => new Blob([new Uint8Array(chunk)]) });
    await expect(engine.attachFiles({ recordUid, files })).rejects.toMatchObject({
      code: 'limit-reached',
      message: 'a file may have 64 MiB',
    });
    expect((await engine.listFiles(recordUid)).map(({ name }) => name)).toEqual(['fits.bin']);
    const [stopped] = await transfersUntil(engine, (all) => all.length === 1);
    expect(stopped).toMatchObject({ state: 'stopped', failure: { code: 'limit-reached' } });
  });
});

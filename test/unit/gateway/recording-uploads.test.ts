import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Logger } from '../../../gateway/log/logger.ts';
import { Recordings } from '../../../gateway/recording/recordings.ts';
import { Spool } from '../../../gateway/recording/spool.ts';
import { RecordingUploads, type UploadsOptions } from '../../../gateway/recording/uploads.ts';
import { BackOff } from '../../../gateway/router/back-off.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import type { ErrorCode } from '../../../protocol/errors.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { RecordingChunkSchema } from '../../../protocol/messages/gen/recording_pb.js';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { FakeRecordingStore } from '../../fakes/recording-store.ts';
import { madeRecording, newGatewayKey, type MadeRecording } from '../../fixtures/recording.ts';

const lines = ['$ id\r\n', 'uid=0(root)\r\n', '$ exit\r\n'];
const device = newGatewayKey();
const policy = { graphical: false, text: true, keys: false, clipboard: false, required: true };
const made = () => madeRecording(lines, { gateway: device });

let folder: string;
let server: FakeRecordingStore;
let said: string[];
let rooms: boolean[];
let log: Logger;
const open: { close(): Promise<void> }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-uploads-'));
  server = new FakeRecordingStore();
  said = [];
  rooms = [];
  log = new Logger('debug', (line) => said.push(line));
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const each of open.splice(0)) await each.close();
  rmSync(folder, { recursive: true });
});

const spoolOf = () => Spool.open(join(folder, 'spool'), 2 ** 30, log);
const soon = (look: () => unknown) => expect.poll(look, { timeout: 15_000 });
const endOf = (uid: Uid) => server.kept.get(uid)?.closing;

describe('what lies in the spool', () => {
  async function lay(spool: Spool, { sessionUid, opening, chunks }: MadeRecording, count: number) {
    await spool.writeOpening(sessionUid, opening);
    for (const chunk of chunks.slice(0, count)) await layChunk(spool, chunk);
  }
  const layChunk = (spool: Spool, chunk: MadeRecording['chunks'][number] | undefined) =>
    chunk
      ? spool.writeChunk(uidOf(chunk.sessionUid), chunk.index, encodeMessage(RecordingChunkSchema, chunk))
      : null;
  const uploads = (spool: Spool, running: UploadsOptions['running'] = new Map()) => {
    const bringing = new RecordingUploads({
      ...{ spool, calls: server, device, running, failed: new Set(), log },
      onRoom: (full) => void rooms.push(full),
    });
    open.push(bringing);
    bringing.run();
    return bringing;
  };
  /** Listed in this order, whatever the file system says. */
  const listFirst = (spool: Spool, first: Uid) => {
    const list = spool.list.bind(spool);
    const rank = ({ sessionUid }: { sessionUid: Uid }) => (sessionUid === first ? 0 : 1);
    vi.spyOn(spool, 'list').mockImplementation(async () => (await list()).sort((a, b) => rank(a) - rank(b)));
  };

  test('a session that ends while another is brought keeps its own closing', async () => {
    const [spool, before, ends] = [await spoolOf(), await made(), await made()];
    await lay(spool, before, 3);
    await spool.writeClosing(before.sessionUid, before.closing);
    await lay(spool, ends, 2);
    listFirst(spool, before.sessionUid);
    const running = new Map([[ends.sessionUid, { giveUp: () => undefined }]]);
    server.beforeStart = async (uid) => {
      if (uid !== before.sessionUid) return;
      await layChunk(spool, ends.chunks[2]);
      await spool.writeClosing(ends.sessionUid, ends.closing);
      running.delete(ends.sessionUid);
    };
    uploads(spool, running);
    await soon(() => endOf(ends.sessionUid)).toMatchObject({ reason: 'closed', chunkCount: 3 });
    await soon(() => spool.list()).toEqual([]);
  });

  test('what the server has removed is dropped, and that is said', async () => {
    const [spool, left] = [await spoolOf(), await made()];
    await lay(spool, left, 2);
    server.refused.set(left.sessionUid, 'not-found');
    uploads(spool);
    await soon(() => readdirSync(join(folder, 'spool'))).toEqual([]);
    expect(said.join('\n')).toContain('the server has removed it');
    expect(server.starts).toEqual([left.sessionUid]);
  });

  test('what the server has whole is not brought again, however it was closed here', async () => {
    const [spool, whole] = [await spoolOf(), await made()];
    await lay(spool, whole, 3);
    const first = uploads(spool);
    await soon(() => endOf(whole.sessionUid)).toMatchObject({ reason: 'interrupted' });
    await first.close();
    await lay(spool, whole, 3);
    await spool.writeClosing(whole.sessionUid, whole.closing);
    uploads(spool);
    await soon(() => spool.list()).toEqual([]);
  });

  test('the server is asked once what it has of a recording that goes on, and again when something went wrong', async () => {
    vi.spyOn(BackOff.prototype, 'nextMs').mockReturnValue(5);
    const [spool, goes] = [await spoolOf(), await made()];
    await lay(spool, goes, 1);
    const bringing = uploads(spool, new Map([[goes.sessionUid, { giveUp: () => undefined }]]));
    const has = () => server.kept.get(goes.sessionUid)?.count;
    await soon(has).toBe(1);
    await layChunk(spool, goes.chunks[1]);
    bringing.wake();
    await soon(has).toBe(2);
    expect(server.starts).toHaveLength(1);
    server.refused.set(goes.sessionUid, 'internal');
    await layChunk(spool, goes.chunks[2]);
    bringing.wake();
    await soon(() => server.starts.length).toBeGreaterThan(1);
    server.refused.clear();
    await soon(has).toBe(3);
  });

  test('one that the server never takes delays no other, neither in a pass nor between two', async () => {
    vi.spyOn(BackOff.prototype, 'nextMs').mockReturnValue(3_600_000);
    const [spool, poisoned, one, later] = [await spoolOf(), await made(), await made(), await made()];
    for (const each of [poisoned, one]) await lay(spool, each, 3);
    listFirst(spool, poisoned.sessionUid);
    server.refused.set(poisoned.sessionUid, 'internal');
    const bringing = uploads(spool);
    await soon(() => endOf(one.sessionUid)).toBeTruthy();
    await lay(spool, later, 3);
    bringing.wake();
    await soon(() => endOf(later.sessionUid)).toBeTruthy();
    expect(server.starts.filter((uid) => uid === poisoned.sessionUid)).toHaveLength(1);
  });
});

describe('what the server refuses for good', () => {
  const refusedFolder = (uid: Uid) =>
    readdirSync(join(folder, 'spool', Buffer.from(uidBytes(uid)).toString('hex')));
  const offered = (uid: Uid) => server.starts.filter((one) => one === uid).length;
  const bringing = async (running: UploadsOptions['running'] = new Map()) => {
    const spool = await spoolOf();
    const all = new RecordingUploads({
      ...{ spool, calls: server, device, running, failed: new Set(), log },
      onRoom: (full) => void rooms.push(full),
    });
    open.push(all);
    return { all, spool };
  };
  beforeEach(() => void vi.spyOn(BackOff.prototype, 'nextMs').mockReturnValue(5));

  async function refuse(code: ErrorCode) {
    const { all, spool } = await bringing();
    const [poisoned, other] = [await made(), await made()];
    for (const { sessionUid, opening, chunks } of [poisoned, other]) {
      await spool.writeOpening(sessionUid, opening);
      for (const chunk of chunks)
        await spool.writeChunk(sessionUid, chunk.index, encodeMessage(RecordingChunkSchema, chunk));
    }
    server.refused.set(poisoned.sessionUid, code);
    all.run();
    await soon(() => endOf(other.sessionUid)).toBeTruthy();
    return { all, spool, uid: poisoned.sessionUid };
  }

  test.each(['conflict', 'not-allowed', 'bad-signature', 'malformed'] as const)(
    'as %s stays sealed, is said and counted, and is not offered again',
    async (code) => {
      const { all, spool, uid } = await refuse(code);
      await soon(async () => (await spool.find(uid))?.refused).toBe(true);
      await soon(() => said.join('\n')).toContain(
        'recording refused by the server for good; it stays sealed',
      );
      expect(said.join('\n')).toContain(code);
      expect(refusedFolder(uid)).toEqual(expect.arrayContaining(['opening', '0', '1', '2', 'refused']));
      expect(await all.state()).toMatchObject({ refused: 1, waiting: 0, bytes: spool.usedBytes });
      const before = offered(uid);
      expect(before).toBe(5);
      const passes = vi.spyOn(spool, 'list');
      for (let pass = 1; pass <= 3; pass++) {
        all.wake();
        await soon(() => passes.mock.calls.length).toBeGreaterThanOrEqual(pass);
      }
      expect(offered(uid)).toBe(before);
    },
  );

  test('is offered once by the next run, and comes when the server takes it', async () => {
    const { all, uid } = await refuse('conflict');
    await soon(() => said.join('\n')).toContain('refused by the server for good');
    await all.close();
    const again = await bringing();
    const refusals = () => said.filter((line) => line.includes('refused by the server for good')).length;
    again.all.run();
    await soon(refusals).toBe(2);
    expect(offered(uid)).toBe(6);
    await again.all.close();
    server.refused.clear();
    const third = await bringing();
    third.all.run();
    await soon(() => endOf(uid)).toMatchObject({ reason: 'interrupted' });
    await soon(() => readdirSync(join(folder, 'spool'))).toEqual([]);
  });

  test.each(['store-full', 'limit-reached'] as const)(
    'as %s is told as a server without room, and as one with room once it takes it',
    async (code) => {
      const { all, uid } = await refuse(code);
      await soon(() => rooms).toEqual([true]);
      expect((await all.state()).noRoom).toBe(true);
      server.refused.clear();
      await soon(() => endOf(uid)).toBeTruthy();
      await soon(() => rooms).toEqual([true, false]);
    },
  );

  test('that is removed at the server leaves no memory of a server without room', async () => {
    const { uid } = await refuse('store-full');
    await soon(() => rooms).toEqual([true]);
    server.refused.set(uid, 'not-found');
    await soon(() => rooms).toEqual([true, false]);
  });

  test.each(['limit-reached', 'unavailable', 'internal'] as const)(
    'is not %s: that is offered again and again',
    async (code) => {
      const { all, uid } = await refuse(code);
      await soon(() => offered(uid)).toBeGreaterThan(8);
      expect(await all.state()).toMatchObject({ refused: 0, waiting: 1 });
    },
  );

  test('ends what is still being recorded: nobody would ever see it', async () => {
    const { sessionUid, opening, chunks } = await made();
    const given = Promise.withResolvers<unknown>();
    const { all, spool } = await bringing(new Map([[sessionUid, { giveUp: given.resolve }]]));
    await spool.writeOpening(sessionUid, opening);
    const [first = expect.unreachable()] = chunks;
    await spool.writeChunk(sessionUid, 0, encodeMessage(RecordingChunkSchema, first));
    server.refused.set(sessionUid, 'not-allowed');
    all.run();
    expect(await given.promise).toMatchObject({ code: 'not-allowed' });
  });
});

describe('what is being recorded', () => {
  async function recordings() {
    const spool = { folder: join(folder, 'spool'), mostBytes: 2 ** 30 };
    const all = new Recordings({ device, applicationUid: newUid(), calls: server, spool, log });
    open.push(all);
    const resourceKey = await SymmetricKey.import(randomBytes(32));
    const begin = async (onFailed: () => void = () => undefined) => {
      const scope = { sessionUid: newUid(), recordUid: newUid(), gatewayUid: newUid() };
      const of = { accountUid: newUid(), ownerUid: newUid(), keyVersion: 1, protocol: 'ssh', resourceKey };
      return await all.begin({ scope, settings: { ...policy, guacdPicture: false }, ...of }, onFailed);
    };
    return { all, begin };
  }

  test('and fails while a chunk is on its way to the disk is closed with that chunk', async () => {
    const { begin } = await recordings();
    const write = Spool.prototype.writeChunk;
    const [writing, disk] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    vi.spyOn(Spool.prototype, 'writeChunk').mockImplementation(async function (this: Spool, ...chunk) {
      writing.resolve();
      await disk.promise;
      return await write.apply(this, chunk);
    });
    const failed = Promise.withResolvers<void>();
    const recorder = await begin(failed.resolve);
    const fill = () => recorder.shell?.output(Buffer.alloc(2 ** 18));
    for (let i = 0; i < 8; i++) fill();
    await writing.promise;
    for (let i = 0; i < 200; i++) fill();
    await failed.promise;
    const passes = vi.spyOn(Spool.prototype, 'list');
    for (let pass = 0; pass < 2; pass++) {
      await begin();
      await soon(() => passes.mock.calls.length).toBeGreaterThan(pass);
    }
    disk.resolve();
    const end = { reason: 'recording-failed', chunkCount: 1 };
    await soon(() => endOf(recorder.sessionUid)).toMatchObject(end);
  });

  test('and ends before anything was shown or typed leaves nothing, here or at the server', async () => {
    const { all, begin } = await recordings();
    const [silent, speaks] = [await begin(), await begin()];
    speaks.shell?.output(Buffer.from('$ '));
    await all.end(silent, 'host-key-unknown');
    await all.end(speaks, 'closed');
    await soon(() => endOf(speaks.sessionUid)).toMatchObject({ reason: 'closed' });
    await soon(() => readdirSync(join(folder, 'spool'))).toEqual([]);
    expect(new Set(server.starts)).toEqual(new Set([speaks.sessionUid]));
  });

  test('and was removed at the server fails, and is gone', async () => {
    const { begin } = await recordings();
    const failed = Promise.withResolvers<void>();
    const { sessionUid, shell } = await begin(failed.resolve);
    server.refused.set(sessionUid, 'not-found');
    for (let i = 0; i < 8; i++) shell?.output(Buffer.alloc(2 ** 18));
    await failed.promise;
    await soon(() => readdirSync(join(folder, 'spool'))).toEqual([]);
    await begin();
    expect(server.starts.filter((uid) => uid === sessionUid).length).toBeLessThan(5);
  });
});

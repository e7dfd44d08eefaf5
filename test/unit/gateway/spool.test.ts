import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import * as disk from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Logger } from '../../../gateway/log/logger.ts';
import { Spool } from '../../../gateway/recording/spool.ts';
import { encodeHex, utf8 } from '../../../protocol/bytes.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof disk>();
  return { ...real, open: vi.fn(real.open), rm: vi.fn(real.rm) };
});

let folder: string;
let said: string[];
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'sallyport-spool-')), 'spool');
  said = [];
});
afterEach(() => {
  vi.clearAllMocks();
  rmSync(dirname(folder), { recursive: true });
});

const opened = () => Spool.open(folder, 2 ** 20, new Logger('debug', (line) => said.push(line)));
const nameOf = (uid: ReturnType<typeof newUid>) => encodeHex(uidBytes(uid));

test('a recording that is killed while it is removed is no recording any more', async () => {
  const [spool, uid] = [await opened(), newUid()];
  await spool.writeOpening(uid, utf8('opening'));
  await spool.writeChunk(uid, 0, utf8('chunk'));
  await spool.writeClosing(uid, utf8('closing'));
  const { rm } = await vi.importActual<typeof disk>('node:fs/promises');
  vi.mocked(disk.rm).mockImplementation(async (path, options) => {
    if (options?.recursive !== true) return await rm(path, options);
    await rm(join(folder, nameOf(uid), 'closing')); // as far as the kill lets it come
    throw new Error('killed');
  });
  await expect(spool.removeRecording(uid)).rejects.toThrow('killed');
  vi.mocked(disk.rm).mockImplementation(rm);
  expect(await spool.list()).toEqual([]);
  expect([(await opened()).usedBytes, readdirSync(folder)]).toEqual([0, []]);
});

test('what cannot be read keeps nothing else from being found, and is said once', async () => {
  const [first, uid] = [await opened(), newUid()];
  await first.writeOpening(uid, utf8('opening'));
  writeFileSync(join(folder, '0'.repeat(32)), 'a file where a folder was');
  mkdirSync(join(folder, 'f'.repeat(32), 'opening'), { recursive: true });
  const spool = await opened();
  for (let pass = 0; pass < 3; pass++)
    expect(await spool.list()).toMatchObject([{ sessionUid: uid, closed: false }]);
  expect(said).toHaveLength(2);
});

test('a new folder is on the disk with what was put into it', async () => {
  const [spool, uid] = [await opened(), newUid()];
  expect(vi.mocked(disk.open).mock.calls.map(([path]) => path)).toEqual([dirname(folder)]);
  await spool.writeOpening(uid, utf8('opening'));
  const synced = vi.mocked(disk.open).mock.calls.map(([path]) => path);
  expect(synced).toContain(folder);
  expect(synced).toContain(join(folder, nameOf(uid)));
});

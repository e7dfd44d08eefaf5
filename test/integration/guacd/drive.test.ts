// The drive of an RDP session: a real xrdp whose channel server mounts it, a real guacd, and the page's own client.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Drives } from '../../../gateway/drive/drives.ts';
import { Logger } from '../../../gateway/log/logger.ts';
import { openGuacdSession, type GuacdSession } from '../../../gateway/targets/guacd-session.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import {
  bytesOf,
  deskOver,
  downloaded,
  noSignal,
  uploaded,
  type DeskWithPage,
} from '../../fixtures/file-desk.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startRdpChannels, type RdpChannels } from '../../fixtures/rdp-channels.ts';

const asRoot = process.getuid?.() === 0;
const folder = `/var/cache/sallyport/test-drives/${process.pid}`;
const mostBytes = 64 * 1024 * 1024;
let guacd: GuacdPool;
let windows: RdpChannels | null = null;
let drives: Drives | null = null;
let session: GuacdSession | null = null;
let met: DeskWithPage | null = null;
const log: string[] = [];

beforeAll(async () => {
  if (asRoot) guacd = await startTestGuacdPool();
});
afterAll(async () => {
  await guacd?.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  met?.breakOff();
  await met?.desk.close(false);
  await session?.close();
  await drives?.close();
  await windows?.stop();
  met = windows = drives = session = null;
});

/** A session with a drive, which the machine has mounted. */
async function open(most = mostBytes) {
  windows = await startRdpChannels();
  const { account = null } = guacd.place;
  drives = new Drives({
    folder,
    account,
    mostBytes: most,
    log: new Logger('debug', (line) => log.push(line)),
  });
  const drive = await drives.open();
  const { target } = windows;
  session = await openGuacdSession({
    target,
    settings: {
      ...{ protocol: 'rdp', security: 'any', ignoreCert: true, disableAuth: false, loadBalanceInfo: '' },
      ...{ preconnectionId: null, preconnectionBlob: '', disableAudio: true, enableFullWindowDrag: false },
      ...{ enableWallpaper: false, resizes: false, drive: { root: '', upload: true, download: true } },
    },
    ...{ credential: { username: 'ada', password: target.password }, terminal: {}, drive },
    display: { width: 800, height: 600, dpi: 96 },
    guacd: guacd.place,
    policy: { disableCopy: false, disablePaste: false },
    signal: new AbortController().signal,
  });
  await windows.untilDrive();
  met = deskOver(() => Promise.resolve(drive.files));
  return { drive, page: met.page, seen: (...names: string[]) => join(windows?.drive ?? '', ...names) };
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe.runIf(asRoot)('the drive of an RDP session', () => {
  test('what the page uploads the machine reads, and what the machine saves the page downloads', async () => {
    const { page, seen, drive } = await open();
    const content = new Uint8Array(randomBytes(24 * 1024 * 1024));
    await uploaded(page, { path: '/report.bin', content });
    expect(hashOf(readFileSync(seen('report.bin')))).toBe(hashOf(content));
    mkdirSync(seen('from machine'));
    writeFileSync(seen('from machine', 'größe.txt'), 'by the machine');
    expect((await downloaded(page, '/from machine/größe.txt')).toString()).toBe('by the machine');
    const saved = randomBytes(8 * 1024 * 1024);
    writeFileSync(seen('saved.bin'), saved);
    expect(hashOf(await downloaded(page, '/saved.bin'))).toBe(hashOf(saved));
    await page.rename(bytesOf('/report.bin'), bytesOf('renamed.bin'), noSignal());
    expect(existsSync(seen('renamed.bin'))).toBe(true);
    await page.makeFolder(bytesOf('/made'), noSignal());
    writeFileSync(seen('made', 'in it'), '');
    await expect(page.remove(bytesOf('/made'), true, noSignal())).rejects.toThrow('folder-not-empty');
    await page.remove(bytesOf('/made/in it'), false, noSignal());
    await page.remove(bytesOf('/made'), true, noSignal());
    expect(readdirSync(drive.path).sort()).toEqual(['from machine', 'renamed.bin', 'saved.bin']);
  });

  test('it is the session’s alone, and nothing of it stays when that ends', async () => {
    const { drive, page } = await open();
    const other = await drives?.open();
    await uploaded(page, { path: '/mine.txt', content: Uint8Array.of(1) });
    expect(readdirSync(other?.path ?? '')).toEqual([]);
    expect(statSync(drive.path).mode & 0o777).toBe(0o700);
    expect(statSync(dirname(drive.path)).mode & 0o777).toBe(0o711); // whose names nobody else lists
    await session?.close();
    await expect.poll(() => readdirSync(folder)).not.toContain(drive.path.split('/').at(-1));
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('the page fills it to its size and no further, and is told so before the bytes come', async () => {
    const { page, drive } = await open(1024 * 1024);
    await uploaded(page, { path: '/half', content: new Uint8Array(600_000) });
    await expect(uploaded(page, { path: '/other', content: new Uint8Array(600_000) })).rejects.toThrow(
      'no-space',
    );
    expect(readdirSync(drive.path)).toEqual(['half']);
    await page.remove(bytesOf('/half'), false, noSignal());
    await expect.poll(() => drive.files.hasRoom?.(600_000)).toBe(true);
    await uploaded(page, { path: '/other', content: new Uint8Array(600_000) });
  });

  test('a machine that writes without end loses its session, and the gateway gets its disk back', async () => {
    const { seen, drive } = await open(1024 * 1024);
    const endless = spawn('dd', ['if=/dev/urandom', `of=${seen('endless')}`, 'bs=1M'], { stdio: 'ignore' });
    expect(await session?.ended).toMatchObject({ leg: 'target', code: 'drive-full' });
    await expect.poll(() => existsSync(drive.path)).toBe(false);
    await expect.poll(() => readdirSync(folder)).toEqual([]);
    await windows?.stop(); // with whom it hangs in a call
    windows = null;
    endless.kill('SIGKILL');
  });
});

// Files of a session's machine: a real sshd, a real gateway, and the page's own client on a real peer connection.
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  createReadStream,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Bytes } from '../../../protocol/bytes.ts';
import type { ConnectReply } from '../../../protocol/messages/gen/command_pb.js';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { MachineFiles, type MachineFile } from '../../../web/session/files/machine-files.ts';
import { Installation } from '../../fakes/installation.ts';
import { FakePage } from '../../fakes/page.ts';
import { FakeTerminal } from '../../fakes/terminal.ts';
import { bytesOf, downloaded, noSignal, uploaded } from '../../fixtures/file-desk.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startSshTarget, type SshTarget } from '../../fixtures/ssh-target.ts';

const asRoot = process.getuid?.() === 0;
let guacd: GuacdPool;
let sshd: SshTarget;
let made: Installation | null = null;
const pages: FakePage[] = [];

beforeAll(async () => {
  if (asRoot) [guacd, sshd] = await Promise.all([startTestGuacdPool(), startSshTarget()]);
});
afterAll(() => Promise.all([guacd?.stop(), sshd?.stop()]));
afterEach(async () => {
  for (const page of pages.splice(0)) page.close();
  await made?.stop();
  made = null;
});

interface Opened {
  readonly page: FakePage;
  readonly terminal: FakeTerminal;
  readonly reply: ConnectReply;
  readonly files: MachineFiles;
}

const sftpOf = (settings: Record<string, unknown> = {}) => ({ sftp: { enableSftp: true, ...settings } });

/** A session whose record has these settings of files, with its terminal drawn. */
async function open(connection: Record<string, unknown> = sftpOf()): Promise<Opened> {
  const { host, port, username, password, hostKeys } = sshd;
  made = await Installation.make({ host, port, username, password, hostKey: hostKeys[0] ?? '', connection });
  await made.start({ GUACD_POOL: guacd.path });
  return await again();
}

async function again(): Promise<Opened> {
  if (made === null) throw new Error('no installation');
  const page = new FakePage();
  pages.push(page);
  const { reply } = await made.connect(page);
  await page.opened;
  const terminal = new FakeTerminal(page.openStream(reply.streamToken));
  await terminal.until(() => terminal.count('sync') > 0);
  return { page, terminal, reply, files: filesOf(page, reply.files?.token ?? new Uint8Array(16)) };
}

function filesOf(page: FakePage, token: Uint8Array): MachineFiles {
  return new MachineFiles((ask) => page.streams.openStream({ streamToken: token, file: { ask } }));
}

const home = (...names: string[]) => join(sshd.home, ...names);
const names = (files: readonly MachineFile[]) => files.map(({ name }) => Buffer.from(name).toString()).sort();

/** Something in the account's home, as the account would have made it. */
function put(name: string, content: string | Uint8Array, mode = 0o644): string {
  writeFileSync(home(name), content);
  chmodSync(home(name), mode);
  const { uid, gid } = statSync(sshd.home);
  chownSync(home(name), uid, gid);
  return home(name);
}

function folder(name: string): string {
  mkdirSync(home(name), { recursive: true });
  const { uid, gid } = statSync(sshd.home);
  chownSync(home(name), uid, gid);
  return home(name);
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(file)) hash.update(part);
  return hash.digest('hex');
}

const parts = (where: string) => readdirSync(where).filter((name) => name.includes('.sallyport-'));
const codeOf = async (promise: Promise<unknown>) => {
  try {
    await promise;
    return 'done';
  } catch (error) {
    return error instanceof Error ? error.name : 'no error';
  }
};

describe.runIf(asRoot)('files of a session’s machine', () => {
  test('are listed from the login’s home on, with what they are', async () => {
    const { uid } = statSync(sshd.home);
    folder('looked-at');
    put('looked-at/plain.txt', 'hello', 0o640);
    put('looked-at/\u202egpj.exe', '');
    folder('looked-at/inside');
    symlinkSync('inside', home('looked-at/link-to-folder'));
    symlinkSync('nowhere', home('looked-at/link-to-nothing'));
    const { files } = await open();
    const begin = await files.list(null, noSignal());
    expect(Buffer.from(begin.path).toString()).toBe(sshd.home);
    expect(names(begin.files)).toContain('looked-at');
    const found = await files.list(bytesOf(home('looked-at')), noSignal());
    const byName = new Map(found.files.map((file) => [Buffer.from(file.name).toString(), file]));
    expect(byName.get('plain.txt')).toMatchObject({ kind: 'file', size: 5, mode: 0o640, link: false });
    expect(byName.get('inside')).toMatchObject({ kind: 'folder' });
    expect(byName.get('link-to-folder')).toMatchObject({ kind: 'folder', link: true });
    expect(byName.get('link-to-nothing')).toMatchObject({ kind: 'other', link: true });
    expect(byName.has('\u202egpj.exe')).toBe(true);
    expect(uid).toBeGreaterThan(0);
  });

  test('of a folder with thousands of them come whole', async () => {
    folder('many');
    for (let i = 0; i < 3_000; i++) writeFileSync(home('many', `file-${i}`), '');
    const { files } = await open();
    expect((await files.list(bytesOf(home('many')), noSignal())).files).toHaveLength(3_000);
  });

  test('go up and down: 200 MB each way with equal hashes, and the gateway holds little of them', async () => {
    const size = 200 * 1024 * 1024;
    const block = randomBytes(1024 * 1024);
    const content = new Blob(Array.from({ length: size / block.length }, () => block));
    const hash = createHash('sha256');
    for (let i = 0; i < size / block.length; i++) hash.update(block);
    const wanted = hash.digest('hex');
    const { files } = await open();
    const most = watchMemory();
    const path = bytesOf(home('large.bin'));
    const transfer = new Uint8Array(randomBytes(16));
    const order = { path, transfer, source: content, replace: false, resume: false, signal: noSignal() };
    await files.upload({ ...order, progress: () => {} });
    expect(await hashOf(home('large.bin'))).toBe(wanted);
    const down = createHash('sha256');
    const take = (bytes: Uint8Array) => Promise.resolve(void down.update(bytes));
    await files.download({ path, offset: 0, opened: () => {}, take, signal: noSignal() });
    expect(down.digest('hex')).toBe(wanted);
    // Page, gateway and this test are one process here: all of them together stay far below one copy of the file.
    expect(most() / 1024 / 1024).toBeLessThan(120);
    expect(parts(sshd.home)).toEqual([]);
  }, 300_000);

  test('of an upload that is cancelled nothing stays', async () => {
    const { files } = await open();
    const cancelled = new AbortController();
    const content = new Uint8Array(32 * 1024 * 1024);
    const ended = uploaded(files, {
      ...{ path: home('never.bin'), content, signal: cancelled.signal },
      progress: (done) => done > 4 * 1024 * 1024 && cancelled.abort(),
    });
    expect(await codeOf(ended)).toBe('cancelled');
    await expect.poll(() => parts(sshd.home)).toEqual([]);
    expect(existsSync(home('never.bin'))).toBe(false);
  });

  test('of an upload under way when the session is ended nothing stays', async () => {
    const { files, terminal } = await open();
    let begun = () => {};
    const running = new Promise<void>((resolve) => (begun = resolve));
    const content = new Uint8Array(64 * 1024 * 1024);
    const ended = codeOf(uploaded(files, { path: home('left.bin'), content, progress: () => begun() }));
    await running;
    terminal.end();
    expect(await ended).toBe('connection-lost');
    await expect.poll(() => parts(sshd.home)).toEqual([]);
    expect(existsSync(home('left.bin'))).toBe(false);
  });

  test('of an upload that broke off the rest can follow, in a new session', async () => {
    const first = await open({ ...sftpOf(), reconnectSeconds: 0 });
    const content = new Uint8Array(randomBytes(24 * 1024 * 1024));
    const transfer = new Uint8Array(randomBytes(16));
    const order = { path: home('resumed.bin'), content, transfer };
    const broken = uploaded(first.files, {
      ...order,
      progress: (done) => done > 12 * 1024 * 1024 && first.page.close(),
    });
    expect(await codeOf(broken)).toBe('connection-lost');
    await expect.poll(() => made?.gateway?.sessions.size, { timeout: 30_000 }).toBe(0);
    expect(existsSync(home('resumed.bin'))).toBe(false);
    const there = statSync(home(parts(sshd.home)[0] ?? 'nothing')).size;
    expect(there).toBeGreaterThan(2 * 1024 * 1024);
    const second = await again();
    const seen: number[] = [];
    await uploaded(second.files, { ...order, resume: true, progress: (done) => void seen.push(done) });
    expect(seen[0]).toBe(there - 1024 * 1024);
    expect(readFileSync(home('resumed.bin')).equals(content)).toBe(true);
    expect(parts(sshd.home)).toEqual([]);
  });

  test('are read on from where a download broke off', async () => {
    const content = randomBytes(200_000);
    put('part.bin', content);
    const { files } = await open();
    const rest = await downloaded(files, home('part.bin'), 150_001);
    expect(rest.equals(content.subarray(150_001))).toBe(true);
  });

  test('that the system makes while they are read are not empty', async () => {
    const { files } = await open();
    expect((await downloaded(files, '/proc/self/status')).toString()).toContain('VmRSS');
  });

  test('are replaced only by who says so, and keep what others may do with them', async () => {
    put('secret.conf', 'old', 0o600);
    const { files } = await open();
    const content = new Uint8Array(Buffer.from('new'));
    const order = { path: home('secret.conf'), content };
    expect(await codeOf(uploaded(files, order))).toBe('exists');
    expect(readFileSync(home('secret.conf'), 'utf8')).toBe('old');
    await uploaded(files, { ...order, replace: true });
    expect(readFileSync(home('secret.conf'), 'utf8')).toBe('new');
    expect(statSync(home('secret.conf')).mode & 0o777).toBe(0o600);
  });

  test('behind a link are replaced where they are', async () => {
    folder('behind');
    put('behind/real.txt', 'old');
    symlinkSync('behind/real.txt', home('to-real.txt'));
    const { files } = await open();
    const content = new Uint8Array(Buffer.from('new'));
    await uploaded(files, { path: home('to-real.txt'), content, replace: true });
    expect(readFileSync(home('behind/real.txt'), 'utf8')).toBe('new');
    expect(lstatSync(home('to-real.txt')).isSymbolicLink()).toBe(true);
  });

  test('and folders are made, renamed and removed; what stands in the way is named', async () => {
    const { files } = await open();
    const at = (name: string): Bytes => bytesOf(home(name));
    await files.makeFolder(at('made'), noSignal());
    expect(await codeOf(files.makeFolder(at('made'), noSignal()))).toBe('exists');
    put('made/inside.txt', 'x');
    put('taken.txt', 'x');
    expect(await codeOf(files.remove(at('made'), true, noSignal()))).toBe('folder-not-empty');
    expect(await codeOf(files.rename(at('made/inside.txt'), bytesOf('inside.txt'), noSignal()))).toBe(
      'exists',
    );
    await files.rename(at('made/inside.txt'), bytesOf('moved.txt'), noSignal());
    expect(readdirSync(home('made'))).toEqual(['moved.txt']);
    await files.remove(at('made/moved.txt'), false, noSignal());
    await files.remove(at('made'), true, noSignal());
    expect(existsSync(home('made'))).toBe(false);
    expect(await codeOf(files.remove(at('made'), true, noSignal()))).toBe('no-such-file');
  });

  test('that the account may not have are refused by their cause', async () => {
    const { files } = await open();
    const content = new Uint8Array(1);
    expect(await codeOf(downloaded(files, '/etc/shadow'))).toBe('permission-denied');
    expect(await codeOf(uploaded(files, { path: '/etc/planted', content }))).toBe('permission-denied');
    expect(await codeOf(files.list(bytesOf('/root'), noSignal()))).toBe('permission-denied');
    expect(await codeOf(downloaded(files, home('not-there')))).toBe('no-such-file');
    expect(await codeOf(downloaded(files, '/dev/zero'))).toBe('not-a-file');
    expect(await codeOf(files.list(bytesOf('/etc/passwd'), noSignal()))).toBe('not-a-folder');
    expect(made?.logLines.join('')).not.toMatch(/shadow|planted|not-there/);
  });

  test('are not there where the record does not switch them on', async () => {
    const { reply, files } = await open({});
    expect(reply.files).toBeUndefined();
    expect(await codeOf(files.list(null, noSignal()))).toBe('unavailable');
  });

  test('leave the terminal free: typing arrives while they move', async () => {
    const { files, terminal } = await open();
    const stop = new AbortController();
    const moving = downloadForEver(files, stop.signal);
    terminal.type('echo here > typed-meanwhile\n');
    await expect.poll(() => sshd.homeFile('typed-meanwhile'), { timeout: 15_000 }).toBe('here\n');
    stop.abort();
    expect(await codeOf(moving)).toBe('cancelled');
  });
});

/** One large file after another. */
async function downloadForEver(files: MachineFiles, signal: AbortSignal): Promise<void> {
  put('moving.bin', new Uint8Array(64 * 1024 * 1024));
  const order = { path: bytesOf(home('moving.bin')), offset: 0, opened: () => {}, signal };
  for (;;) await files.download({ ...order, take: () => Promise.resolve() });
}

/** The largest growth of what this process holds. */
function watchMemory(): () => number {
  const before = process.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 50);
  return () => {
    clearInterval(timer);
    return most - before;
  };
}

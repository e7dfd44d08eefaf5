// Class 30: a page that asks for files it may not have, and names that lie, against the gateway's file desk over OpenSSH's
// own SFTP server. The page here says what it likes: nothing of web/ holds it back.
import { spawn, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { shownName } from '../../protocol/records/shown-name.ts';
import {
  bytesOf,
  deskWithPage,
  downloaded,
  noSignal,
  uploaded,
  type DeskWithPage,
} from '../fixtures/file-desk.ts';

const program = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server'].find(existsSync);
const running: ChildProcess[] = [];
let place: string;
let met: DeskWithPage | null = null;
const inPlace = (...names: string[]) => join(place, ...names);

beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-files-')));
  mkdirSync(inPlace('root/inside'), { recursive: true });
  mkdirSync(inPlace('root-beside'));
  mkdirSync(inPlace('outside'));
  for (const name of ['root/inside/own.txt', 'outside/secret.txt', 'root-beside/secret.txt'])
    writeFileSync(inPlace(name), name);
  symlinkSync('../outside', inPlace('root/way-out'));
  symlinkSync('/', inPlace('root/inside/slash'));
  symlinkSync('../outside/secret.txt', inPlace('root/secret-link'));
  symlinkSync('../outside/not-there', inPlace('root/planted-link'));
  symlinkSync('inside', inPlace('root/way-in'));
});
afterEach(async () => {
  met?.breakOff();
  await met?.desk.close(true);
  met = null;
  for (const child of running.splice(0)) child.kill();
  rmSync(place, { recursive: true, force: true });
});

function serve(settings: Parameters<typeof deskWithPage>[1] = {}): DeskWithPage {
  const open = () => {
    const child = spawn(program ?? '', [], { cwd: place, stdio: ['pipe', 'pipe', 'ignore'] });
    running.push(child);
    return Promise.resolve(Duplex.from({ readable: child.stdout, writable: child.stdin }));
  };
  return (met = deskWithPage(open, settings));
}

const codeOf = async (promise: Promise<unknown>) => {
  try {
    await promise;
    return 'done';
  } catch (error) {
    return error instanceof Error ? error.name : 'no error';
  }
};
const content = new Uint8Array([1, 2, 3]);

describe.runIf(program !== undefined)('a root that the record sets', () => {
  const confined = () => serve({ root: inPlace('root') });

  test('is all that the page sees, as its own root', async () => {
    const { page } = confined();
    const begin = await page.list(null, noSignal());
    expect(Buffer.from(begin.path).toString()).toBe('/');
    expect(JSON.stringify(begin)).not.toContain(place);
    expect((await downloaded(page, '/inside/own.txt')).toString()).toBe('root/inside/own.txt');
    expect((await downloaded(page, '/way-in/own.txt')).toString()).toBe('root/inside/own.txt');
    expect(Buffer.from((await page.list(bytesOf('/way-in'), noSignal())).path).toString()).toBe('/inside');
  });

  test.each([
    '/../outside/secret.txt',
    '/inside/../../outside/secret.txt',
    '/./../outside/secret.txt',
    '//outside/secret.txt',
    'outside/secret.txt',
    '/inside/..',
    '/inside/own.txt\0/../../outside',
  ])('%j is no path', async (path) => {
    const { page } = confined();
    expect(await codeOf(downloaded(page, path))).toBe('malformed');
    expect(await codeOf(page.list(bytesOf(path), noSignal()))).toBe('malformed');
    expect(await codeOf(uploaded(page, { path, content, replace: true }))).toBe('malformed');
    expect(await codeOf(page.remove(bytesOf(path), false, noSignal()))).toBe('malformed');
  });

  test.each(['/way-out/secret.txt', '/secret-link', '/inside/slash/etc/passwd'])(
    '%s leads out of it by a link: it is not read',
    async (path) => {
      expect(await codeOf(downloaded(confined().page, path))).toBe('outside-root');
    },
  );

  test('is not left by listing, writing, making, renaming or removing through a link', async () => {
    const { page } = confined();
    expect(await codeOf(page.list(bytesOf('/way-out'), noSignal()))).toBe('outside-root');
    expect(await codeOf(page.list(bytesOf('/inside/slash'), noSignal()))).toBe('outside-root');
    expect(await codeOf(uploaded(page, { path: '/way-out/new.txt', content }))).toBe('outside-root');
    expect(await codeOf(uploaded(page, { path: '/secret-link', content, replace: true }))).toBe(
      'outside-root',
    );
    expect(await codeOf(uploaded(page, { path: '/planted-link', content, replace: true }))).toBe(
      'outside-root',
    );
    expect(await codeOf(page.makeFolder(bytesOf('/way-out/new'), noSignal()))).toBe('outside-root');
    expect(await codeOf(page.remove(bytesOf('/way-out/secret.txt'), false, noSignal()))).toBe('outside-root');
    const renamed = page.rename(bytesOf('/way-out/secret.txt'), bytesOf('x'), noSignal());
    expect(await codeOf(renamed)).toBe('outside-root');
    for (const name of ['../../outside/x', '..', '.', '', 'a/b', 'a\0'])
      expect(await codeOf(page.rename(bytesOf('/inside/own.txt'), bytesOf(name), noSignal()))).toBe(
        'malformed',
      );
    expect(readdirSync(inPlace('outside'))).toEqual(['secret.txt']);
    expect(readFileSync(inPlace('outside/secret.txt'), 'utf8')).toBe('outside/secret.txt');
    expect(readFileSync(inPlace('root/inside/own.txt'), 'utf8')).toBe('root/inside/own.txt');
  });

  test('does not reach a folder whose name only begins like it', async () => {
    symlinkSync('../root-beside', inPlace('root/beside'));
    expect(await codeOf(downloaded(confined().page, '/beside/secret.txt'))).toBe('outside-root');
  });

  test('tells nothing of what its links lead to outside, not even that it is there', async () => {
    const { files } = await confined().page.list(bytesOf('/'), noSignal());
    const seen = files.filter(({ name }) => /out|secret|planted/.test(Buffer.from(name).toString()));
    expect(seen).toHaveLength(3);
    for (const file of seen) expect(file).toMatchObject({ kind: 'other', link: true, size: 0 });
  });

  test('cannot itself be removed or renamed', async () => {
    const { page } = confined();
    expect(await codeOf(page.remove(bytesOf('/'), true, noSignal()))).toBe('malformed');
    expect(await codeOf(page.rename(bytesOf('/'), bytesOf('x'), noSignal()))).toBe('malformed');
  });

  test('that is not there opens nothing in its place', async () => {
    const { page } = serve({ root: inPlace('nowhere') });
    expect(await codeOf(page.list(null, noSignal()))).toBe('root-missing');
    expect(await codeOf(downloaded(page, '/etc/passwd'))).toBe('root-missing');
  });
});

describe.runIf(program !== undefined)('a record that allows', () => {
  test('no downloads: none is made, whoever asks', async () => {
    const { page } = serve({ download: false });
    expect(await codeOf(downloaded(page, inPlace('root/inside/own.txt')))).toBe('not-allowed');
    await uploaded(page, { path: inPlace('up.bin'), content });
    expect(readFileSync(inPlace('up.bin')).equals(content)).toBe(true);
  });

  test('no uploads: nothing is changed, whoever asks', async () => {
    const { page } = serve({ upload: false });
    const all = () => ['', 'root', 'root/inside', 'outside'].map((name) => readdirSync(inPlace(name)));
    const before = all();
    const own = bytesOf(inPlace('root/inside/own.txt'));
    expect(await codeOf(uploaded(page, { path: inPlace('up.bin'), content }))).toBe('not-allowed');
    expect(await codeOf(page.makeFolder(bytesOf(inPlace('new')), noSignal()))).toBe('not-allowed');
    expect(await codeOf(page.rename(own, bytesOf('x'), noSignal()))).toBe('not-allowed');
    expect(await codeOf(page.remove(own, false, noSignal()))).toBe('not-allowed');
    expect(await codeOf(page.dropUpload(own, new Uint8Array(16), noSignal()))).toBe('not-allowed');
    expect(all()).toEqual(before);
    expect((await downloaded(page, inPlace('root/inside/own.txt'))).length).toBeGreaterThan(0);
  });
});

describe.runIf(program !== undefined)('a name', () => {
  test('that turns text around, or moves a terminal’s cursor, is itself on the machine and named where it is shown', async () => {
    const lying = 'invoice\u202efdp.exe\u001b[2J';
    const { page } = serve();
    await uploaded(page, { path: inPlace('outside', lying), content });
    const { files } = await page.list(bytesOf(inPlace('outside')), noSignal());
    const text = files.map(({ name }) => Buffer.from(name).toString()).find((name) => name !== 'secret.txt');
    expect(text).toBe(lying);
    expect(shownName(text ?? '')).toBe('invoice[U+202E]fdp.exe[U+001B][2J');
    expect(met?.log.join('')).not.toContain('invoice');
  });

  test('of 300 bytes is refused before the machine is asked', async () => {
    const { page } = serve();
    expect(await codeOf(uploaded(page, { path: inPlace('x'.repeat(300)), content }))).toBe('malformed');
  });
});

describe.runIf(program !== undefined)('an upload', () => {
  test('of more or less than it said gets no name, and leaves nothing', async () => {
    const { streams } = serve();
    for (const length of [2, 4]) {
      const ask = { path: bytesOf(inPlace('odd.bin')), size: 3n, transfer: new Uint8Array(16).fill(length) };
      const stream = streams.openStream({
        streamToken: new Uint8Array(16),
        file: { ask: { case: 'write', value: ask } },
      });
      const code = await new Promise((resolve) => {
        stream.onReset = resolve;
        stream.onData = () => {
          stream.onData = () => {};
          stream.write(new Uint8Array(length));
          stream.end();
        };
      });
      expect(code).toBe('file-changed');
    }
    expect(readdirSync(place).filter((name) => name.includes('odd') || name.includes('.part'))).toEqual([]);
  });

  test('never writes through a link that somebody laid under its temporary name', async () => {
    const transfer = new Uint8Array(16).fill(0xab);
    symlinkSync(inPlace('outside/secret.txt'), inPlace(`.sallyport-${'ab'.repeat(16)}.part`));
    const { page } = serve();
    const order = { path: inPlace('up.bin'), content, transfer };
    expect(await codeOf(uploaded(page, order))).not.toBe('done');
    expect(await codeOf(uploaded(page, { ...order, resume: true }))).not.toBe('done');
    expect(readFileSync(inPlace('outside/secret.txt'), 'utf8')).toBe('outside/secret.txt');
  });

  test('that is given up takes its own part with it, and nothing else whatever is asked', async () => {
    const partOf = (byte: string) => `.sallyport-${byte.repeat(16)}.part`;
    const transferOf = (byte: number) => new Uint8Array(16).fill(byte);
    for (const where of ['root', 'root/inside', 'outside'])
      writeFileSync(inPlace(where, partOf('01')), 'own');
    writeFileSync(inPlace('root', partOf('02')), 'another one’s');
    mkdirSync(inPlace('root', partOf('03')));
    symlinkSync('../outside/secret.txt', inPlace('root', partOf('04')));
    const { page } = serve({ root: inPlace('root') });
    const drop = (path: string, byte: number) =>
      codeOf(page.dropUpload(bytesOf(path), transferOf(byte), noSignal()));
    const all = () => ['root', 'root/inside', 'outside'].map((name) => readdirSync(inPlace(name)).sort());
    const [root, ...others] = all();
    expect(await drop('/new.txt', 1)).toBe('done');
    expect(all()).toEqual([root?.filter((name) => name !== partOf('01')), ...others]);
    const after = all();
    expect(await drop('/new.txt', 1)).toBe('done'); // there is none any more
    for (const byte of [3, 4]) expect(await drop('/new.txt', byte)).toBe('done');
    expect(await drop('/way-out/new.txt', 1)).toBe('outside-root');
    expect(await drop('/secret-link', 1)).toBe('outside-root');
    expect(await drop('/../outside/new.txt', 1)).toBe('malformed');
    expect(await drop('/', 1)).toBe('malformed');
    const short = page.dropUpload(bytesOf('/new.txt'), new Uint8Array(15), noSignal());
    expect(await codeOf(short)).toBe('malformed');
    expect(all()).toEqual(after);
  });
});

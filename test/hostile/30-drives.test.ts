// Class 30: an RDP machine that has taken its guacd over, and so writes what it likes into the drive of its session; and a
// page that asks for what it may not have. The drive here is the gateway's own, with links and files as guacd could make them.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DriveFiles } from '../../gateway/drive/drive-files.ts';
import { Drives, type Drive } from '../../gateway/drive/drives.ts';
import { HeldFolder } from '../../gateway/drive/held-folder.ts';
import { DriveUsage } from '../../gateway/drive/usage.ts';
import { openFlags } from '../../gateway/files/sftp-packets.ts';
import { Logger } from '../../gateway/log/logger.ts';
import {
  bytesOf,
  deskOver,
  downloaded,
  noSignal,
  uploaded,
  type DeskWithPage,
} from '../fixtures/file-desk.ts';

const asRoot = process.getuid?.() === 0;
let place: string;
let drives: Drives;
let drive: Drive;
let met: DeskWithPage;
const inPlace = (...names: string[]) => join(place, ...names);
const inDrive = (...names: string[]) => join(drive.path, ...names);
const newDrives = (mostBytes = 1024 * 1024) =>
  new Drives({ folder: inPlace('drives'), account: null, mostBytes, log: new Logger('debug', () => {}) });

beforeEach(async () => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-drives-')));
  mkdirSync(inPlace('outside'));
  writeFileSync(inPlace('outside/secret.txt'), 'secret');
  drives = newDrives();
  drive = await drives.open();
  met = deskOver(() => Promise.resolve(drive.files));
});
afterEach(async () => {
  met.breakOff();
  await met.desk.close(false);
  await drives.close();
  rmSync(place, { recursive: true, force: true });
});

describe('links that the machine plants', () => {
  beforeEach(() => {
    symlinkSync(inPlace('outside'), inDrive('folder'));
    symlinkSync(inPlace('outside/secret.txt'), inDrive('file'));
    symlinkSync(inPlace('outside/planted.txt'), inDrive('planted'));
    mkdirSync(inDrive('inner'));
    symlinkSync('/', inDrive('inner/slash'));
  });

  test.each([
    ['/file', 'permission-denied'],
    ['/folder', 'permission-denied'],
    ['/folder/secret.txt', 'not-a-folder'],
    ['/inner/slash/etc/passwd', 'not-a-folder'],
    ['/planted', 'permission-denied'],
  ])('%s is not read', async (path, code) => {
    await expect(downloaded(met.page, path)).rejects.toThrow(code);
  });

  test.each(['/folder/new.txt', '/inner/slash/new.txt'])('nothing is written to %s', async (path) => {
    const content = Uint8Array.of(1);
    const refused = /^(not-a-folder|permission-denied)$/;
    await expect(uploaded(met.page, { path, content })).rejects.toThrow(refused);
    await expect(met.page.makeFolder(bytesOf(path), noSignal())).rejects.toThrow(refused);
    expect(readdirSync(inPlace('outside'))).toEqual(['secret.txt']);
  });

  test.each([true, false])('nor through one that has a file’s name (replace: %s)', async (replace) => {
    for (const path of ['/file', '/planted'])
      await expect(uploaded(met.page, { path, content: Uint8Array.of(1), replace })).rejects.toThrow();
    expect(readFileSync(inPlace('outside/secret.txt'), 'utf8')).toBe('secret');
    expect(existsSync(inPlace('outside/planted.txt'))).toBe(false);
  });

  test('they are listed as nothing that can be opened, and deleted as what they are', async () => {
    const { files } = await met.page.list(bytesOf('/'), noSignal());
    const links = files.filter(({ link }) => link);
    expect(links.map(({ kind, size }) => [kind, size])).toEqual([...Array(3)].map(() => ['other', 0]));
    await met.page.remove(bytesOf('/folder'), false, noSignal());
    await met.page.remove(bytesOf('/file'), false, noSignal());
    expect(readFileSync(inPlace('outside/secret.txt'), 'utf8')).toBe('secret');
  });

  test('a folder that turns into one while it is read leads nowhere', async () => {
    mkdirSync(inDrive('turning'));
    writeFileSync(inDrive('turning/secret.txt'), 'own');
    const read: string[] = [];
    for (let time = 0; time < 200; time++) {
      const reading = downloaded(met.page, '/turning/secret.txt').then(
        (bytes) => read.push(bytes.toString()),
        () => {},
      );
      renameSync(inDrive('turning'), inDrive('aside'));
      symlinkSync(inPlace('outside'), inDrive('turning'));
      await reading;
      unlinkSync(inDrive('turning'));
      renameSync(inDrive('aside'), inDrive('turning'));
    }
    expect(read).not.toContain('secret');
  });
});

describe('what is no plain file of the drive’s own', () => {
  test('a second name of a file elsewhere is not opened', async () => {
    linkSync(inPlace('outside/secret.txt'), inDrive('second-name'));
    await expect(downloaded(met.page, '/second-name')).rejects.toThrow('not-a-file');
  });

  test('a pipe keeps nobody waiting', async () => {
    execFileSync('mkfifo', [inDrive('pipe')]);
    await expect(downloaded(met.page, '/pipe')).rejects.toThrow('not-a-file');
    await expect(drive.files.openToRead(Buffer.from('/pipe'))).rejects.toThrow('not-a-file');
  });

  test.runIf(asRoot)('a file of another account is not opened', async () => {
    const root = await HeldFolder.open(drive.path);
    const usage = { add: () => {}, hasRoom: () => true };
    const files = new DriveFiles({ root, usage, owner: { uid: 65_534, gid: 65_534 } });
    writeFileSync(inDrive('roots'), 'root’s');
    await expect(files.openToRead(Buffer.from('/roots'))).rejects.toThrow('not-a-file');
    await root.close();
  });
});

describe('names', () => {
  test.each(['/../outside/secret.txt', '/./x', '//x', '/inner/..', '/a/../../outside'])(
    '%s leads nowhere, whoever asks',
    async (path) => {
      await expect(drive.files.openToRead(Buffer.from(path))).rejects.toThrow('malformed');
      const flags = openFlags.write | openFlags.create | openFlags.exclusive;
      await expect(drive.files.openFile(Buffer.from(path), flags)).rejects.toThrow('malformed');
      expect(readdirSync(place).sort()).toEqual(['drives', 'outside']);
    },
  );

  test.each(['a\\b', 'a:b', 'a*', 'a?', '"a', '<a', 'a|', 'a\n', 'a.', 'a '])(
    '%j, which Windows has not, is not made',
    async (name) => {
      const path = `/${name}`;
      await expect(uploaded(met.page, { path, content: Uint8Array.of(1) })).rejects.toThrow('malformed');
      await expect(met.page.makeFolder(bytesOf(path), noSignal())).rejects.toThrow('malformed');
      expect(readdirSync(drive.path)).toEqual([]);
    },
  );
});

describe('the record’s switches hold at the gateway, whatever a page asks', () => {
  test.each([
    [{ upload: false }, ['write', 'make', 'rename', 'remove', 'drop']],
    [{ download: false }, ['read']],
  ] as const)('%j', async (settings, refused) => {
    writeFileSync(inDrive('there'), 'there');
    const held = deskOver(() => Promise.resolve(drive.files), settings);
    const asks = {
      read: () => downloaded(held.page, '/there'),
      write: () => uploaded(held.page, { path: '/new', content: Uint8Array.of(1) }),
      make: () => held.page.makeFolder(bytesOf('/folder'), noSignal()),
      rename: () => held.page.rename(bytesOf('/there'), bytesOf('other'), noSignal()),
      remove: () => held.page.remove(bytesOf('/there'), false, noSignal()),
      drop: () => held.page.dropUpload(bytesOf('/there'), new Uint8Array(16), noSignal()),
    };
    for (const kind of refused) await expect(asks[kind]()).rejects.toThrow('not-allowed');
    expect(readdirSync(drive.path)).toEqual(['there']);
    await held.desk.close(false);
  });
});

describe('too much of it', () => {
  const bounds = { bytes: 1_000_000, slack: 0, entries: 50, depth: 4, free: 0 };
  const overOf = async (fill: () => void) => {
    const root = await HeldFolder.open(drive.path);
    const usage = await DriveUsage.of(root, bounds);
    fill();
    await usage.over;
    await usage.close();
    await root.close();
  };

  test('bytes', () => overOf(() => writeFileSync(inDrive('large'), Buffer.alloc(1_100_000))));
  test('bytes in a folder that is made and filled in one breath', () =>
    overOf(() => {
      mkdirSync(inDrive('a/b/c'), { recursive: true });
      writeFileSync(inDrive('a/b/c/large'), Buffer.alloc(1_100_000));
    }));
  test('bytes in a file that grows afterwards', async () => {
    mkdirSync(inDrive('folder'));
    writeFileSync(inDrive('folder/grows'), '');
    await overOf(() => writeFileSync(inDrive('folder/grows'), Buffer.alloc(1_100_000)));
  });
  test('entries', () =>
    overOf(() => {
      for (let n = 0; n < 51; n++) writeFileSync(inDrive(`${n}`), '');
    }));
  test('folders in folders', () => overOf(() => void mkdirSync(inDrive('1/2/3/4/5'), { recursive: true })));

  test('a file of holes takes no room, and is none', async () => {
    const root = await HeldFolder.open(drive.path);
    const usage = await DriveUsage.of(root, bounds);
    writeFileSync(inDrive('holes'), '');
    truncateSync(inDrive('holes'), 10 ** 12);
    writeFileSync(inDrive('small'), Buffer.alloc(100_000));
    await expect.poll(() => usage.hasRoom(900_001)).toBe(false);
    expect(usage.hasRoom(800_000)).toBe(true);
    await usage.close();
    await root.close();
  });

  test('a disk that is nearly full gets no drive at all', async () => {
    const root = await HeldFolder.open(drive.path);
    await expect(DriveUsage.of(root, { ...bounds, free: Number.MAX_SAFE_INTEGER })).rejects.toThrow(
      'nearly full',
    );
    await root.close();
  });
});

describe('what is left behind', () => {
  test('the next start removes it, follows no link, and minds no depth', async () => {
    mkdirSync(inDrive('d/'.repeat(300)), { recursive: true });
    symlinkSync(inPlace('outside'), inDrive('link'));
    symlinkSync(inPlace('outside'), inPlace('drives/loose-link'));
    writeFileSync(inPlace('drives/loose-file'), '');
    const next = newDrives();
    const fresh = await next.open();
    expect(readdirSync(inPlace('drives'))).toEqual([fresh.path.split('/').at(-1)]);
    expect(readdirSync(inPlace('outside'))).toEqual(['secret.txt']);
    await next.close();
  });

  test('one session’s end takes nothing of another’s', async () => {
    const other = await drives.open();
    writeFileSync(join(other.path, 'kept'), 'kept');
    await drive.remove();
    expect(existsSync(drive.path)).toBe(false);
    expect(readFileSync(join(other.path, 'kept'), 'utf8')).toBe('kept');
    await expect(drive.files.openToRead(Buffer.from('/kept'))).rejects.toThrow('unavailable');
  });

  test.runIf(asRoot)('a folder that is somebody else’s is not used', async () => {
    mkdirSync(inPlace('theirs'));
    execFileSync('chown', ['65534', inPlace('theirs')]);
    chmodSync(inPlace('theirs'), 0o777);
    const options = {
      folder: inPlace('theirs'),
      account: null,
      mostBytes: 1,
      log: new Logger('debug', () => {}),
    };
    const foreign = new Drives(options);
    await expect(foreign.open()).rejects.toThrow('somebody else');
    await foreign.close();
    symlinkSync(inPlace('outside'), inPlace('linked'));
    const linked = new Drives({ ...options, folder: inPlace('linked') });
    await expect(linked.open()).rejects.toThrow();
    await linked.close();
    expect(readdirSync(inPlace('outside'))).toEqual(['secret.txt']);
  });
});

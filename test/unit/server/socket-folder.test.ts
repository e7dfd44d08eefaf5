import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeSocketFolder, prepareFolders } from '../../../server/store/postgres-folders.ts';

const account = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, dropped: false };
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'sallyport-folders-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Too long for a socket: the folder of the socket is elsewhere. */
const longFolders = () => prepareFolders(join(folder, 'x'.repeat(110)));

test("the socket's folder of a killed server goes when the next one runs, and not before", () => {
  const killed = makeSocketFolder(longFolders(), account);
  killed.settle();
  const next = makeSocketFolder(longFolders(), account);
  expect(existsSync(killed.path)).toBe(true); // it may still run, and this one fail to start
  next.settle();
  expect(existsSync(killed.path)).toBe(false);
  expect(existsSync(next.path)).toBe(true);
  next.remove();
  expect(existsSync(next.path)).toBe(false);
});

test('nothing else is taken away, whatever the store remembers', () => {
  const own = makeSocketFolder(longFolders(), account);
  writeFileSync(join(longFolders().root, 'socket.path'), folder);
  own.settle();
  expect(existsSync(folder)).toBe(true);
  own.remove();
});

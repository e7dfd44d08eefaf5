import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { verifyServerKeys } from '../../../protocol/transmission/server-keys.ts';
import { loadKeyFile, rotateKeys } from '../../../server/keys/key-file.ts';
import { KeyRing } from '../../../server/keys/key-ring.ts';

const steps: string[] = [];
vi.mock(import('node:fs'), async (importActual) => {
  const actual = await importActual();
  return {
    ...actual,
    renameSync: (...paths: Parameters<typeof actual.renameSync>) => {
      steps.push('rename');
      actual.renameSync(...paths);
    },
    fsyncSync: (descriptor: number) => {
      steps.push(actual.fstatSync(descriptor).isDirectory() ? 'sync folder' : 'sync file');
      actual.fsyncSync(descriptor);
    },
  };
});

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'sallyport-keys-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const day = 24 * 60 * 60_000;

test('keys are made once, for their owner alone', () => {
  const first = loadKeyFile(folder);
  expect(loadKeyFile(folder)).toEqual(first);
  expect(statSync(join(folder, 'server-keys.json')).mode & 0o777).toBe(0o600);
  expect(first.ring[0]?.id).toBeGreaterThanOrEqual(20);
});

test('new keys are on the disk, name and all, before anyone sees a public half', () => {
  loadKeyFile(folder);
  steps.length = 0;
  rotateKeys(folder, Date.now());
  expect(steps).toEqual(['sync file', 'rename', 'sync folder']);
});

test('a key file that others may read is refused', () => {
  loadKeyFile(folder);
  chmodSync(join(folder, 'server-keys.json'), 0o640);
  expect(() => loadKeyFile(folder)).toThrow('readable by its owner alone');
});

test('rotation puts a new key first and keeps the old one for 30 days; clients that pinned accept it', async () => {
  const ring = new KeyRing(folder);
  const before = verifyServerKeys(await ring.signedKeys(), null);
  rotateKeys(folder, Date.now());
  expect(ring.keys).toHaveLength(1);
  ring.reload();
  expect(ring.keys.map(({ id }) => id)).toEqual([before.key.id + 1, before.key.id]);
  const after = verifyServerKeys(await ring.signedKeys(), before.pin);
  expect(after.key.id).toBe(before.key.id + 1);
  expect(rotateKeys(folder, Date.now() + 29 * day).ring).toHaveLength(3);
  expect(rotateKeys(folder, Date.now() + 61 * day).ring.length).toBeLessThan(4);
});

test('an expired key is out of use without a restart', () => {
  loadKeyFile(folder);
  rotateKeys(folder, Date.now() - 31 * day);
  expect(new KeyRing(folder).keys).toHaveLength(1);
});

test('a key file of a former version gets its second-factor key once, and keeps the rest', () => {
  const first = loadKeyFile(folder);
  const path = join(folder, 'server-keys.json');
  const { secondFactorKey: _, ...former } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify(former));
  const upgraded = loadKeyFile(folder);
  expect(upgraded).toEqual({ ...first, secondFactorKey: upgraded.secondFactorKey });
  expect(upgraded.secondFactorKey).toHaveLength(32);
  expect(upgraded.secondFactorKey).not.toEqual(first.secondFactorKey);
  expect(loadKeyFile(folder)).toEqual(upgraded);
});

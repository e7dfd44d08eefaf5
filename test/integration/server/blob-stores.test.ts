// Both places for blobs, with the same promises.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BlobStore } from '../../../server/blobs/blob-store.ts';
import { openFolderStore } from '../../../server/blobs/folder-store.ts';
import { openBlobStore } from '../../../server/blobs/open-blob-store.ts';
import { createLogger } from '../../../server/log/logger.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-blobs-'));
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const silent = createLogger('silent');
const s3 = new S3rver({
  ...{ address: '127.0.0.1', port: 0, silent: true, directory: join(folder, 's3') },
  configureBuckets: [{ name: 'chunks', configs: [] }],
});
const stores: Record<string, BlobStore> = {};

beforeAll(async () => {
  mkdirSync(join(folder, 's3'));
  const { port } = await s3.run();
  stores['folder'] = openBlobStore({ folder: join(folder, 'plain') }, silent);
  const bucket = `http://127.0.0.1:${port}/chunks`;
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
  stores['S3'] = openBlobStore({ bucket, region: 'us-east-1', ...credentials }, silent);
});
afterAll(async () => {
  await s3.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(['folder', 'S3'])('blobs in a store of kind %s', (kind) => {
  const store = (): BlobStore => stores[kind] ?? expect.unreachable('no such store');

  test('come back as they were put, the last one put under a key', async () => {
    await store().put('aa/0', bytes('one'));
    await store().put('aa/1', bytes('two'));
    await store().put('aa/0', bytes('three'));
    expect(await store().get('aa/0')).toEqual(bytes('three'));
    expect(await store().get('aa/1')).toEqual(bytes('two'));
    expect(await store().get('aa/2')).toBeNull();
    expect(await store().get('bb/0')).toBeNull();
  });

  test('many at once, a mebibyte each', async () => {
    const large = new Uint8Array(2 ** 20 + 37).fill(7);
    await Promise.all(Array.from({ length: 8 }, (_, i) => store().put(`cc/${i}`, large)));
    const got = await Promise.all(Array.from({ length: 8 }, (_, i) => store().get(`cc/${i}`)));
    expect(got.every((one) => one !== null && Buffer.compare(one, large) === 0)).toBe(true);
  });

  test('are gone once removed, and removing what is not there is no failure', async () => {
    await store().put('dd/0', bytes('x'));
    await store().remove(['dd/0', 'dd/1', 'ee/0']);
    expect(await store().get('dd/0')).toBeNull();
    await store().remove(['dd/0']);
  });
});

test('a folder forgets what a crash left half written, and keeps the rest', async () => {
  const path = join(folder, 'crashed');
  await openFolderStore(path).put('aa/0', bytes('kept'));
  writeFileSync(join(path, 'incoming', 'half'), 'ha');
  const again = openFolderStore(path);
  expect(readdirSync(join(path, 'incoming'))).toEqual([]);
  expect(await again.get('aa/0')).toEqual(bytes('kept'));
});

test('a put that fails leaves nothing behind', async () => {
  const path = join(folder, 'refusing');
  const store = openFolderStore(path);
  writeFileSync(join(path, 'aa'), 'a file where a folder should be');
  await expect(store.put('aa/0', bytes('x'))).rejects.toThrow();
  expect(readdirSync(join(path, 'incoming'))).toEqual([]);
  expect(existsSync(join(path, 'aa/0'))).toBe(false);
});

test('a service that is away is `unavailable`, and its secret is in no message', async () => {
  const lines: string[] = [];
  const log = createLogger('debug', undefined, { write: (line) => void lines.push(line) });
  const secretAccessKey = 'secret-of-the-bucket';
  const location = { bucket: 'http://127.0.0.1:9/chunks', region: 'auto', accessKeyId: 'k', secretAccessKey };
  const store = openBlobStore(location, log);
  await expect(store.get('aa/0')).rejects.toMatchObject({ code: 'unavailable' });
  expect(lines.join()).toContain('blob-store-away');
  expect(lines.join()).not.toContain(secretAccessKey);
});

// How a service says that it has no room, and what callers hear then.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openS3Store } from '../../../server/blobs/s3-store.ts';
import { watchRoom } from '../../../server/blobs/store-room.ts';
import { createLogger } from '../../../server/log/logger.ts';
import { Scrubber } from '../../../protocol/log/scrubber.ts';
import { codeOf } from '../../fixtures/outcome.ts';

const log = createLogger('error', new Scrubber());
let service: Server | null = null;
afterEach(() => void service?.close());

/** A service that answers every request so, until `answer.status` is another one. */
async function storeOn(answer: { status: number; code: string }) {
  service = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(answer.status, { 'content-type': 'application/xml', etag: '"1"' });
      response.end(answer.code === '' ? '' : `<Error><Code>${answer.code}</Code></Error>`);
    });
  }).listen(0, '127.0.0.1');
  await once(service, 'listening');
  const { port } = service.address() as AddressInfo;
  const bucket = `http://127.0.0.1:${port}/recordings`;
  const credentials = { region: 'us-east-1', accessKeyId: 'key', secretAccessKey: 'secret' };
  return watchRoom(openS3Store({ bucket, ...credentials }, log), log);
}

const put = (store: Awaited<ReturnType<typeof storeOn>>) => codeOf(store.put('r1/0', new Uint8Array(9)));

test.each([
  [507, 'InsufficientStorage'],
  [507, ''],
  [403, 'QuotaExceeded'],
  [507, 'XMinioStorageFull'],
])('%i %s is a store without room, until it takes something', async (status, code) => {
  const answer = { status, code };
  const store = await storeOn(answer);
  expect(store.fullSince).toBe(null);
  expect(await put(store)).toBe('store-full');
  expect(store.fullSince).toBeGreaterThan(0);
  Object.assign(answer, { status: 200, code: '' });
  expect(await put(store)).toBe('done');
  expect(store.fullSince).toBe(null);
});

test.each([
  [403, 'AccessDenied'],
  [404, 'NoSuchBucket'],
])('%i %s is one that cannot be reached, not a full one', async (status, code) => {
  const store = await storeOn({ status, code });
  expect(await put(store)).toBe('unavailable');
  expect(store.fullSince).toBe(null);
});

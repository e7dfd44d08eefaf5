// Halves of detours that nobody was given: the server ends them, and keeps none of them.
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.close());

async function half(): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}/api/v1/detour`);
  socket.on('error', () => undefined);
  await once(socket, 'open');
  return socket;
}

test.each<[string, string | Uint8Array]>([
  ['a ticket that nobody gave', randomBytes(32)],
  ['a ticket cut short', randomBytes(31)],
  ['nothing', new Uint8Array(0)],
  ['text', 'hello'],
  ['far too much', new Uint8Array(200_000)],
])('%s ends the half', async (_, first) => {
  const socket = await half();
  const closed = once(socket, 'close');
  socket.send(first);
  await closed;
});

test('a half that says nothing does not stay', async () => {
  const before = performance.now();
  const socket = await half();
  await once(socket, 'close');
  expect(performance.now() - before).toBeGreaterThan(3_000);
});

test('of halves without end only so many wait: the oldest make room', async () => {
  const sockets = await Promise.all(Array.from({ length: 300 }, half));
  const open = () => sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length;
  await expect.poll(open, { timeout: 4_000 }).toBeLessThanOrEqual(256);
  for (const socket of sockets) socket.terminate();
});

// A hostile router: whatever bytes it sends on the link, they end that link and nothing else. An error that nobody
// hears fails the run.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { LinkSocket } from '../../gateway/router/link-socket.ts';
import { copy } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { limits } from '../../protocol/limits.ts';
import { acceptLink, type LinkChannel } from '../../protocol/transmission/link-channel.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

type Behave = (socket: WebSocket, channel: LinkChannel) => unknown;

async function linkTo(behave: Behave, onFrame: () => void = () => {}): Promise<LinkSocket> {
  const key = { id: 1, ...generateEcdhKeyPair() };
  const server = createServer();
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('error', () => {});
    socket.once('message', (opening: Buffer) => {
      void acceptLink([key], copy(opening)).then((channel) => behave(socket, channel));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => (server.closeAllConnections(), server.close()));
  const url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const { signal } = new AbortController();
  return LinkSocket.open({ url, tls: {}, serverKey: key, onFrame, signal });
}

const bound = limits.linkFrame + 16;

it.each<[string, Behave]>([
  ['nothing', (socket) => socket.send(Buffer.alloc(0))],
  ['one byte', (socket) => socket.send(Buffer.alloc(1))],
  ['a tag alone', (socket) => socket.send(Buffer.alloc(16))],
  ['as much as a frame may be', (socket) => socket.send(Buffer.alloc(bound))],
  ['one byte more', (socket) => socket.send(Buffer.alloc(bound + 1))],
  ['a little more', (socket) => socket.send(Buffer.alloc(bound + 48))],
  ['a megabyte', (socket) => socket.send(Buffer.alloc(1024 * 1024))],
  ['text', (socket) => socket.send('hello')],
  ['many at once', (socket) => Array.from({ length: 50 }, () => socket.send(Buffer.alloc(bound)))],
  ['a WebSocket frame that is none', (socket) => rawOf(socket).write(Buffer.from([0xff, 0xff, 1, 2, 3]))],
  [
    'sealed nonsense',
    async (socket, channel) => socket.send(await channel.seal(new Uint8Array(99).fill(255))),
  ],
])('%s: ends the link', async (_, behave) => {
  const link = await linkTo(behave);
  expect((await link.closed).code).toMatch(/^(open-failed|too-large|malformed|offline)$/);
  link.send({ received: 1n }); // goes nowhere
});

it('a frame that its handler cannot bear ends the link', async () => {
  const link = await linkTo(
    async (socket, channel) => socket.send(await channel.seal(new Uint8Array(0))),
    () => {
      throw new TypeError('oops');
    },
  );
  expect((await link.closed).code).toBe('internal');
});

it('a frame of our own that is too large ends the link', async () => {
  const link = await linkTo(() => {});
  const sealed = new Uint8Array(limits.linkFrame);
  link.send({ body: { case: 'signal', value: { sessionUid: new Uint8Array(16), sealed } } });
  expect((await link.closed).code).toBe('too-large');
});

function rawOf(socket: WebSocket): { write(bytes: Buffer): void } {
  return (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket;
}

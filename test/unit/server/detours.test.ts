// The router's pipe between two halves of a detour, on real WebSockets: what passes, how much of it is held, and what ends it.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import type { Session } from '../../../server/api/call.ts';
import { createLogger } from '../../../server/log/logger.ts';
import type { GatewayMessage } from '../../../server/router/head/head.ts';
import { InProcessHead } from '../../../server/router/head/in-process.ts';
import {
  Detours,
  detourTimes,
  mostDetours,
  type DetoursParts,
} from '../../../server/router/worker/detours.ts';

const accountUid = newUid();
const gatewayUid = newUid();
const session: Session = {
  ...{ tokenHash: randomBytes(32), accountUid, deviceUid: newUid(), devicePublicKey: randomBytes(65) },
  ...{ loginAt: 0, expiresAt: Date.now() + 60 * 60_000 },
};
const closers: (() => void)[] = [];
let head: InProcessHead;
let wanted: Uint8Array[];

beforeEach(() => {
  head = new InProcessHead();
  wanted = [];
  head.subscribe(`gw.${gatewayUid}`, {
    onMessage: (message: GatewayMessage) => {
      if (message.kind === 'detour-wanted') wanted.push(message.ticket);
    },
    onRequest: () => Promise.reject(new Error('not asked')),
  });
});
afterEach(() => closers.splice(0).forEach((close) => close()));

async function router(parts: Partial<DetoursParts> = {}) {
  const expiryOf = () => Promise.resolve(session.expiresAt);
  const detours = new Detours({ head, log: createLogger('silent'), expiryOf, ...parts });
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (socket) => detours.take(socket));
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  closers.push(
    () => detours.close(),
    () => server.close(),
  );
  /** A half, by its ticket; what it hears, and when it ends. */
  const half = async (ticket: Uint8Array) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
    const heard: string[] = [];
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => heard.push(data.toString()));
    const closed = once(socket, 'close');
    await once(socket, 'open');
    socket.send(ticket);
    closers.push(() => socket.terminate());
    return { socket, heard, closed };
  };
  const pair = async (of = session) => {
    const tickets = detours.issue(of, gatewayUid);
    const asked = wanted.length;
    const vault = await half(tickets.vault);
    await expect.poll(() => wanted.length, { timeout: 15_000 }).toBe(asked + 1);
    const gateway = await half(wanted.at(-1) ?? randomBytes(32));
    gateway.socket.send('first', { binary: true });
    await expect.poll(() => vault.heard, { timeout: 15_000 }).toEqual(['first']);
    return { vault, gateway };
  };
  return { detours, half, pair };
}

test('hands on both ways, in order; the last of one that leaves still arrives, and then the other ends', async () => {
  const { detours, pair } = await router();
  const { vault, gateway } = await pair();
  const texts = Array.from({ length: 500 }, (_, n) => `message ${n}`);
  for (const text of texts) vault.socket.send(text, { binary: true });
  vault.socket.close();
  await gateway.closed;
  expect(gateway.heard).toEqual(texts);
  expect(detours.size).toBe(0);
});

test('reads one half no faster than the other takes, and holds a bounded part of it', async () => {
  const { detours, pair } = await router();
  const { vault, gateway } = await pair();
  vault.socket.pause();
  const frame = Buffer.alloc(16 * 1024, 'x');
  const mostSent = 4_000; // 64 MB: more than two sockets hold
  for (let n = 0; n < mostSent; n++) gateway.socket.send(frame);
  let [before, same] = [-1, 0];
  await expect
    .poll(
      () => {
        same = gateway.socket.bufferedAmount === before ? same + 1 : 0;
        before = gateway.socket.bufferedAmount;
        return same;
      },
      { timeout: 15_000, interval: 100 },
    )
    .toBeGreaterThan(5);
  expect(gateway.socket.bufferedAmount).toBeGreaterThan(32e6);
  expect(detours.waiting).toBeLessThan(1024 * 1024);
  vault.socket.resume();
  await expect.poll(() => vault.heard.length, { timeout: 15_000 }).toBe(mostSent + 1);
});

test.each<[string, (made: { detours: Detours }) => void]>([
  ['its person is signed out everywhere', () => signOut({ except: null })],
  ['its session is ended', () => signOut({ only: session.tokenHash })],
  ['its gateway is gone', ({ detours }) => detours.dropGateway(gatewayUid)],
  ['the server stops', ({ detours }) => detours.close()],
])('both halves end when %s', async (_, end) => {
  const made = await router();
  const { vault, gateway } = await made.pair();
  end(made);
  await Promise.all([vault.closed, gateway.closed]);
  expect(made.detours.size).toBe(0);
});

test.each<[string, () => void]>([
  ['another session of the account is ended', () => signOut({ only: randomBytes(32) })],
  ['all but its own are', () => signOut({ except: session.tokenHash })],
])('neither half ends when %s', async (_, end) => {
  const { pair } = await router();
  const { vault, gateway } = await pair();
  end();
  vault.socket.send('still here', { binary: true });
  await expect.poll(() => gateway.heard, { timeout: 15_000 }).toEqual(['still here']);
});

test('both halves end when the session at the server runs out, and not while it is renewed', async () => {
  let renewals = 3;
  const expiryOf = () =>
    renewals-- > 0
      ? Promise.resolve(Date.now() + 50)
      : Promise.reject(new ProtocolError('not-signed-in', 'it is over'));
  const { pair } = await router({ expiryOf });
  const { vault, gateway } = await pair({ ...session, expiresAt: Date.now() + 50 });
  await Promise.all([vault.closed, gateway.closed]);
  expect(renewals).toBe(-1);
});

test('a half without its other ends, as does one that speaks to nobody, or says nothing any more', async () => {
  const { detours, half } = await router({ times: { ...detourTimes, pairMs: 200 } });
  await (
    await half(detours.issue(session, gatewayUid).vault)
  ).closed;
  const early = await half(detours.issue(session, gatewayUid).vault);
  early.socket.send('is anybody there', { binary: true });
  await early.closed;
  const { pair } = await router({ times: { ...detourTimes, silenceMs: 300 } });
  const { vault, gateway } = await pair();
  const talk = setInterval(() => gateway.socket.send('one alone', { binary: true }), 50);
  await vault.closed;
  clearInterval(talk);
});

test.each<[string, string | Buffer, boolean]>([
  ['text', 'hello', false],
  ['more than a frame', Buffer.alloc(20_000), true],
])('%s ends both halves, and is not handed on', async (_, message, binary) => {
  const { pair } = await router();
  const { vault, gateway } = await pair();
  vault.socket.send(message, { binary });
  await Promise.all([vault.closed, gateway.closed]);
  expect(gateway.heard).toEqual([]);
});

test('a ticket is good for one half, and the gateway’s for none before the vault’s is there', async () => {
  const { detours, half } = await router();
  const tickets = detours.issue(session, gatewayUid);
  await (
    await half(tickets.gateway)
  ).closed;
  const vault = await half(tickets.vault);
  await expect.poll(() => detours.size, { timeout: 15_000 }).toBe(1);
  await (
    await half(tickets.vault)
  ).closed;
  expect(vault.socket.readyState).toBe(WebSocket.OPEN);
});

test('an account has so many halves and no more; another has its own', async () => {
  const { detours, half } = await router();
  for (let n = 0; n < mostDetours.account; n++) await half(detours.issue(session, gatewayUid).vault);
  await expect.poll(() => detours.size, { timeout: 15_000 }).toBe(mostDetours.account);
  await (
    await half(detours.issue(session, gatewayUid).vault)
  ).closed;
  await half(detours.issue({ ...session, accountUid: newUid() }, gatewayUid).vault);
  await expect.poll(() => detours.size, { timeout: 15_000 }).toBe(mostDetours.account + 1);
});

function signOut(which: { readonly only: Uint8Array } | { readonly except: Uint8Array | null }): void {
  head.publish(`acct.${accountUid}`, { kind: 'signed-out', which });
}

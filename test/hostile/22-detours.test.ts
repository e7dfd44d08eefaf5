// A router between the two halves of a detour: whatever it does to what passes, nothing of it is taken for the other end's.
import { expect, test } from 'vitest';
import { concat, utf8, type Bytes } from '../../protocol/bytes.ts';
import { generateEphemeralKey } from '../../protocol/crypto/ecdh.ts';
import type { DetourCarrier } from '../../protocol/session/detour-end.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { agreeOnDetour } from '../../protocol/session/detour.ts';
import { DetourEnd } from '../../protocol/session/detour-end.ts';
import type { Side } from '../../protocol/session/session-keys.ts';
import { newUid } from '../../protocol/uid.ts';

type Tamper = (message: Bytes, number: number, hand: (message: Bytes) => void) => void;

const scope = { sessionUid: newUid(), gatewayUid: newUid(), peerUid: newUid(), attempt: 1 };
const honest: Tamper = (message, _, hand) => hand(message);

/** Both ends of one detour; what the gateway sends goes by the router's hands. */
async function detour(tamper: Tamper, routersKey = false, gatewayScope = scope) {
  const [vault, gateway, router] = await Promise.all([1, 2, 3].map(() => generateEphemeralKey()));
  if (!vault || !gateway || !router) throw new Error('no keys');
  const [carrier, lost] = [Promise.withResolvers<DetourCarrier>(), Promise.withResolvers<string>()];
  const heard: string[] = [];
  let sent = 0;
  const ends: { vault?: DetourEnd; gateway?: DetourEnd } = {};
  const end = async (side: Side, own: typeof vault, other: Bytes) =>
    new DetourEnd({
      ...{ side, channel: await agreeOnDetour(side, side === 'vault' ? scope : gatewayScope, own, other) },
      socket: {
        waiting: 0,
        send: (message) => {
          if (side === 'vault') ends.gateway?.receive(message);
          else tamper(message, sent++, (changed) => ends.vault?.receive(changed));
        },
        close: () => {
          if (side === 'gateway') ends.vault?.left(new ProtocolError('offline', 'the router closed it'));
        },
      },
      onOpen: (opened) => side === 'gateway' && carrier.resolve(opened),
      onMessage: (message) => void (side === 'vault' && heard.push(new TextDecoder().decode(message))),
      onLost: ({ code }) => side === 'vault' && lost.resolve(code),
    });
  ends.vault = await end('vault', vault, routersKey ? router.publicKey : gateway.publicKey);
  ends.gateway = await end('gateway', gateway, vault.publicKey);
  ends.gateway.start();
  return { carrier: carrier.promise, lost: lost.promise, heard, leave: () => ends.gateway?.close() };
}

const held: Bytes[] = [];

test('what was said before an end left is heard, though it was still being sealed, and then the end', async () => {
  const { carrier, heard, lost, leave } = await detour(honest);
  const said = await carrier;
  for (const text of ['last', 'words']) said.send(utf8(text));
  leave();
  expect(await lost).toBe('offline');
  expect(heard).toEqual(['last', 'words']);
});

test.each<[string, Tamper, string[]]>([
  ['leaves one out', (m, n, hand) => void (n === 1 || hand(m)), []],
  ['hands one on twice', (m, n, hand) => (hand(m), void (n === 1 && hand(m))), ['first']],
  [
    'hands them on in another order',
    (m, n, hand) => (n === 1 ? void held.push(m) : (hand(m), held.splice(0).forEach(hand))),
    [],
  ],
  ['cuts one short', (m, n, hand) => hand(n === 1 ? m.slice(0, -1) : m), []],
  ['makes one longer', (m, n, hand) => hand(n === 1 ? concat(m, Uint8Array.of(0)) : m), []],
  ['sends text of its own', (m, n, hand) => hand(n === 1 ? utf8('forged by the router') : m), []],
  ['sends more than a frame', (m, n, hand) => hand(n === 1 ? new Uint8Array(1024 * 1024) : m), []],
])('a router that %s ends the detour', async (_, tamper, before) => {
  const { carrier, lost, heard } = await detour(tamper);
  for (const text of ['first', 'second', 'third']) (await carrier).send(utf8(text));
  expect(['open-failed', 'malformed', 'too-large']).toContain(await lost);
  expect(heard).toEqual(before);
});

test('an honest one ends nothing', async () => {
  const { carrier, heard } = await detour(honest);
  for (const text of ['first', 'second']) (await carrier).send(utf8(text));
  await expect.poll(() => heard).toEqual(['first', 'second']);
});

test('a router that puts a key of its own in place of the gateway’s gets no detour', async () => {
  const { lost } = await detour(honest, true);
  expect(await lost).toBe('open-failed');
});

test('nor one that hands a diagnosis to a session: the same keys open nothing under another command', async () => {
  const commandUid = newUid();
  const { lost } = await detour(honest, false, { ...scope, sessionUid: commandUid, peerUid: commandUid });
  expect(await lost).toBe('open-failed');
});

test('what passed on one detour is nothing on another', async () => {
  const passed: Bytes[] = [];
  const first = await detour((m, _, hand) => (passed.push(m), hand(m)));
  (await first.carrier).send(utf8('first'));
  await expect.poll(() => first.heard).toEqual(['first']);
  const second = await detour((m, n, hand) => hand(n === 0 ? m : (passed[n] ?? m)));
  (await second.carrier).send(utf8('other'));
  expect(await second.lost).toBe('open-failed');
  expect(second.heard).toEqual([]);
});

// guacd's way to a target: what is let go of when it never comes about.
import { once } from 'node:events';
import net from 'node:net';
import { duplexPair, PassThrough } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { Relay } from '../../../gateway/targets/relay.ts';

afterEach(() => vi.restoreAllMocks());

const { signal } = new AbortController();

test('a gateway that can listen no more lets go of the target', async () => {
  const listener = new net.Server();
  const full = () => listener.emit('error', new Error('EMFILE'));
  vi.spyOn(listener, 'listen').mockImplementation(() => (process.nextTick(full), listener));
  vi.spyOn(net, 'createServer').mockReturnValue(listener);
  const target = new PassThrough();
  await expect(Relay.open({ target, signal })).rejects.toThrow('EMFILE');
  expect(target.destroyed).toBe(true);
});

test('a target that broke off before guacd was awaited is over, not the gateway', async () => {
  const target = new PassThrough();
  const opening = Relay.open({ target, signal });
  target.destroy(new Error('reset'));
  const relay = await opening;
  expect(await relay.ended).toBe('target');
  relay.close();
});

test('what a target says while it is held waits, and comes whole when it may go on', async () => {
  const [target, machine] = duplexPair();
  const guard = { rewrite: (bytes: Uint8Array) => bytes, fromGuacd: () => {} };
  const relay = await Relay.open({ target, guard, signal });
  const guacd = net.connect(relay.port, '127.0.0.1');
  let heard = '';
  guacd.on('data', (bytes: Buffer) => (heard += bytes.toString()));
  try {
    machine.write('before ');
    await expect.poll(() => heard).toBe('before ');
    const goOn = relay.hold();
    machine.write('after');
    const said = once(machine, 'data');
    guacd.write('meanwhile');
    expect(String((await said)[0])).toBe('meanwhile'); // the other way is open
    expect(heard).toBe('before ');
    goOn();
    await expect.poll(() => heard).toBe('before after');
  } finally {
    guacd.destroy();
    relay.close();
  }
});

test('what was held and let go before guacd came goes on when it has come', async () => {
  const [target, machine] = duplexPair();
  const guard = { rewrite: (bytes: Uint8Array) => bytes, fromGuacd: () => {} };
  const relay = await Relay.open({ target, guard, signal });
  relay.hold()();
  machine.write('login: ');
  const guacd = net.connect(relay.port, '127.0.0.1');
  let heard = '';
  guacd.on('data', (bytes: Buffer) => (heard += bytes.toString()));
  try {
    await expect.poll(() => heard, { timeout: 15_000 }).toBe('login: ');
    const [one, other] = [relay.hold(), relay.hold()];
    one();
    one();
    expect(target.isPaused()).toBe(true); // the other one still holds it
    other();
    expect(target.isPaused()).toBe(false);
  } finally {
    guacd.destroy();
    relay.close();
  }
});

test.each(['drawn', 'given up'] as const)(
  'guacd hears of the end of a target when its last words are %s, not before',
  async (way) => {
    const [target, machine] = duplexPair();
    const guard = { rewrite: (bytes: Uint8Array) => bytes, fromGuacd: () => {} };
    const relay = await Relay.open({ target, guard, signal });
    const [asked, drawn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    relay.endAfter(() => (asked.resolve(), drawn.promise));
    const guacd = net.connect(relay.port, '127.0.0.1');
    let heard = '';
    guacd.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    let over = false;
    const closed = once(guacd, 'close').then(() => (over = true));
    try {
      machine.end('bye');
      await asked.promise;
      await expect.poll(() => heard).toBe('bye');
      const said = once(machine, 'data');
      guacd.write('meanwhile');
      expect(String((await said)[0])).toBe('meanwhile');
      expect(over).toBe(false);
      if (way === 'drawn') drawn.resolve();
      else relay.close(); // whoever ends the session waits for no words
      await closed;
      await relay.ended;
    } finally {
      drawn.resolve();
      guacd.destroy();
      relay.close();
    }
  },
);

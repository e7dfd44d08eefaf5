// guacd's way to a target: what is let go of when it never comes about.
import net from 'node:net';
import { PassThrough } from 'node:stream';
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

import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readIceServers } from '../../../protocol/channel/ice-servers.ts';
import { readConfig } from '../../../server/config.ts';
import { RelayCredentials } from '../../../server/relay/relay-credentials.ts';

const secret = 'thirty-two characters of a secret';
const urls = ['stun:relay.example', 'turn:relay.example?transport=udp'];
const relay = { RELAY_URLS: urls.join(' '), RELAY_SECRET: secret };

test('the [relay] table of the configuration file is the same settings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-relay-'));
  const file = join(folder, 'server.toml');
  writeFileSync(file, `[relay]\nurls = ${JSON.stringify(urls)}\nsecret = "${secret}"\nlifetime = 120\n`);
  expect(readConfig({}, file).relay).toEqual({ urls, secret, lifetimeSeconds: 120 });
  rmSync(folder, { recursive: true });
});

test.each(['2026-11-22', '2026-11-22T10:00:00Z', '[1, 2]', '"turn:relay.example"'])(
  'a relay that is no table but %s is refused by its name, not taken for none',
  (value) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-relay-'));
    const file = join(folder, 'server.toml');
    writeFileSync(file, `relay = ${value}\n`);
    expect(() => readConfig({}, file)).toThrow(/server\.toml: relay: /);
    rmSync(folder, { recursive: true });
  },
);

test('nothing set is no relay; STUN alone needs no secret', () => {
  expect(readConfig({}).relay).toBeNull();
  expect(readConfig({ RELAY_URLS: 'stun:relay.example' }).relay).toMatchObject({ secret: null });
});

test.each([
  ['RELAY_URLS', { RELAY_SECRET: secret }],
  ['RELAY_URLS', { ...relay, RELAY_URLS: 'https://relay.example' }],
  ['RELAY_URLS', { ...relay, RELAY_URLS: Array.from({ length: 9 }, () => 'turn:relay.example').join() }],
  ['RELAY_SECRET', { RELAY_URLS: 'turn:relay.example' }],
  ['RELAY_SECRET', { ...relay, RELAY_SECRET: 'too short' }],
  ['RELAY_LIFETIME', { ...relay, RELAY_LIFETIME: '59' }],
  ['RELAY_LIFETIME', { ...relay, RELAY_LIFETIME: 'an hour' }],
])('a wrong %s is named, and the secret is not quoted', (key, settings) => {
  expect(() => readConfig(settings)).toThrow(new RegExp(`^${key}: (?!.*(thirty|too short))`));
});

test('a name is the second at which it ends and nothing that two of them share', () => {
  const desk = new RelayCredentials({ urls, secret, lifetimeSeconds: 600 }, () => 1_700_000_000_500);
  const [first, second] = [desk.issue(), desk.issue()];
  expect(first.username).toMatch(/^1700000600:[\w-]{22}$/);
  expect(second.username.split(':')[1]).not.toBe(first.username.split(':')[1]);
  expect(first.credential).toBe(createHmac('sha1', secret).update(first.username).digest('base64'));
  expect(readIceServers(first).urls).toHaveLength(2);
});

test('without a relay there is nothing, and no name for STUN alone', () => {
  expect(new RelayCredentials(null).issue()).toEqual({ urls: [], username: '', credential: '' });
  const stun = { urls: ['stun:relay.example'], secret: null, lifetimeSeconds: 600 };
  expect(new RelayCredentials(stun).issue()).toMatchObject({ username: '', credential: '' });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../../server/config.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (text: string) => {
  const path = join(folder, `${Math.random()}.toml`);
  writeFileSync(path, text);
  return path;
};

test('with nothing set, it listens on loopback with an embedded store and closed sign-up', () => {
  expect(readConfig({})).toMatchObject({
    host: '127.0.0.1',
    port: 8443,
    databaseUrl: null,
    openSignUp: false,
    publicUrl: null,
    tls: null,
  });
});

test.each([
  ['SALLYPORT_PORT', '70000'],
  ['SALLYPORT_PORT', 'http'],
  ['SALLYPORT_PUBLIC_URL', 'vault.example'],
  ['SALLYPORT_PUBLIC_URL', 'https://vault.example/path'],
  ['SALLYPORT_PUBLIC_URL', 'ftp://vault.example'],
  ['DATABASE_URL', 'mysql://u:p@h/d'],
  ['OPEN_SIGN_UP', 'maybe'],
  ['LOG_LEVEL', 'loud'],
  ['ROLES', 'worker'],
  ['TLS_CERT', '/no/such/file'],
  ['TLS_KEY', '/no/such/file'],
])('a wrong %s (%s) is refused with an error that begins with the key', (key, value) => {
  const attempt = () => readConfig({ [key]: value, ...(key === 'TLS_CERT' && { TLS_KEY: value }) });
  expect(attempt).toThrow(ConfigError);
  expect(attempt).toThrow(key === 'TLS_KEY' ? /^TLS_CERT: / : new RegExp(`^${key}: `));
});

test('a wrong DATABASE_URL is not quoted, because it holds a password', () => {
  expect(() => readConfig({ DATABASE_URL: 'mysql://u:hunter2@h/d' })).toThrow(/^(?!.*hunter2)/);
});

test('a file gives the same settings in any case, and the environment wins', () => {
  const path = file(
    'sallyport_port = 1234\nOPEN_SIGN_UP = true\ntrusted_proxies = ["10.0.0.1", "10.0.0.2"]\n',
  );
  expect(readConfig({}, path)).toMatchObject({
    port: 1234,
    openSignUp: true,
    trustedProxies: ['10.0.0.1', '10.0.0.2'],
  });
  expect(readConfig({ SALLYPORT_PORT: '0', SALLYPORT_CONFIG: path })).toMatchObject({ port: 0 });
});

test('an unknown key, a wrong type and a file that is no TOML are named', () => {
  expect(() => readConfig({}, file('prot = 1\n'))).toThrow(/prot: there is no such setting/);
  expect(() => readConfig({}, file('[sallyport_port]\na = 1\n'))).toThrow(/sallyport_port: must be a text/);
  const broken = file('DATABASE_URL = "postgres://u:hunter2@h/d\n');
  expect(() => readConfig({}, broken)).toThrow(/^(?!.*hunter2).*toml: /);
  expect(() => readConfig({}, '/no/such.toml')).toThrow(/no such configuration file/);
});

import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeConfig, parseConfig, parseServer, type GatewayConfig } from '../../../gateway/config.ts';
import { readPrivateFile, writePrivateFile } from '../../../gateway/private-file.ts';
import { RisingState } from '../../../gateway/rising-state.ts';
import { readSettings } from '../../../gateway/settings.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';

const config: GatewayConfig = {
  server: 'https://vault.example',
  serverIdentity: randomBytes(32),
  gatewayUid: newUid(),
  configurationUid: newUid(),
  applicationUid: newUid(),
  ownerUid: newUid(),
  organisationUid: newUid(),
  organisationKey: generateEcdhKeyPair().publicKey,
  clientId: randomBytes(64),
  privateKey: generateEcdhKeyPair().privateKey,
  appKey: randomBytes(32),
  rosterVersion: 3n,
};

describe('a configuration', () => {
  test('reads back as it was written', () => {
    expect(parseConfig(encodeConfig(config))).toEqual(config);
  });

  test.each(Object.keys(config))('without %s is refused by that name', (key) => {
    const members = JSON.parse(encodeConfig(config)) as Record<string, unknown>;
    delete members[key];
    expect(() => parseConfig(JSON.stringify(members))).toThrow(`${key}: `);
  });

  test.each([
    ['privateKey', 'A'.repeat(43)],
    ['organisationKey', 'A'.repeat(87)],
    ['appKey', 'AAAA'],
    ['gatewayUid', 'not a uid'],
    ['rosterVersion', '-1'],
  ])('with a bad %s is refused, and the value is not quoted', (key, value) => {
    const members = { ...(JSON.parse(encodeConfig(config)) as object), [key]: value };
    const read = () => parseConfig(JSON.stringify(members));
    expect(read).toThrow(`${key}: `);
    expect(read).not.toThrow(value);
  });

  test('that is not JSON is not quoted', () => {
    expect(() => parseConfig('secret')).toThrow(/^configuration: is not JSON$/);
  });

  test.each(['http://vault.example', 'ftp://127.0.0.1', 'https://user@vault.example', 'https://x/path', 'x'])(
    'for the server %s is refused',
    (server) => {
      expect(() => parseServer(server)).toThrow('server: ');
    },
  );

  test.each(['https://vault.example:8443', 'http://127.0.0.1:8443', 'http://localhost:1', 'http://[::1]:1'])(
    'for the server %s is taken',
    (server) => {
      expect(parseServer(server)).toBe(server);
    },
  );
});

describe('a private file', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'gateway-'))));
  afterEach(() => rm(folder, { recursive: true }));

  test('is written for its owner alone, in a folder for its owner alone', async () => {
    const path = join(folder, 'new', 'gateway.json');
    await writePrivateFile(path, 'text');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'new'))).mode & 0o777).toBe(0o700);
    expect(await readPrivateFile(path)).toBe('text');
  });

  test('is replaced whole', async () => {
    const path = join(folder, 'gateway.json');
    await writePrivateFile(path, 'one');
    await writePrivateFile(path, 'two');
    expect(await readFile(path, 'utf8')).toBe('two');
  });

  test('that others can read is refused, and the fix is named', async () => {
    const path = join(folder, 'gateway.json');
    await writeFile(path, 'text', { mode: 0o600 });
    await chmod(path, 0o640);
    await expect(readPrivateFile(path)).rejects.toThrow(`chmod 600 ${path}`);
  });

  test('in a folder that others can enter is refused, and the fix is named', async () => {
    const path = join(folder, 'gateway.json');
    await writePrivateFile(path, 'text');
    await chmod(folder, 0o755);
    await expect(readPrivateFile(path)).rejects.toThrow(`chmod 700 ${folder}`);
    await expect(writePrivateFile(path, 'other')).rejects.toThrow(`chmod 700 ${folder}`);
  });

  test('that is a link to elsewhere is refused', async () => {
    await writeFile(join(folder, 'other'), 'text', { mode: 0o600 });
    await symlink(join(folder, 'other'), join(folder, 'gateway.json'));
    await expect(readPrivateFile(join(folder, 'gateway.json'))).rejects.toThrow('plain file');
  });

  test('versions survive a restart and never fall', async () => {
    const path = join(folder, 'versions.json');
    const state = await RisingState.open(path, { roster: 4n });
    await state.raise({ roster: 9n, serverKeySet: 2n });
    await state.raise({ roster: 5n });
    const again = await RisingState.open(path, { roster: 4n });
    expect(again.versions).toEqual({ roster: 9n, serverKeySet: 2n, aheadMs: new Map(), records: new Map() });
  });

  test('dates of commands survive a restart too, each account’s latest', async () => {
    const path = join(folder, 'versions.json');
    const [one, other] = [newUid(), newUid()];
    const state = await RisingState.open(path);
    await state.raise({ aheadMs: new Map([[one, 1_800_000_000_000]]) });
    await state.raise({ aheadMs: new Map([[other, 5]]) });
    await state.raise({ aheadMs: new Map([[one, 7]]) });
    const again = await RisingState.open(path);
    expect([...again.versions.aheadMs]).toEqual([
      [one, 1_800_000_000_000],
      [other, 5],
    ]);
  });

  test('the newest of every record survives a restart; the bounded number of them, those seen last', async () => {
    const path = join(folder, 'versions.json');
    const uids = Array.from({ length: 10_001 }, () => newUid());
    const state = await RisingState.open(path);
    const seen = (revision: bigint, keyVersion: number, confirmation = 0n) => ({
      ...{ revision, keyVersion, confirmation },
    });
    const first = uids.slice(0, 10_000).map((uid) => [uid, seen(5n, 2)] as const);
    expect(await state.raise({ records: new Map(first) })).toEqual([]);
    const [oldest, second, last] = [uids[0], uids[1], uids[10_000]] as [Uid, Uid, Uid];
    await state.raise({ records: new Map([[oldest, seen(4n, 3)]]) });
    await state.raise({ records: new Map([[oldest, seen(4n, 2, 7n)]]) });
    await state.raise({ records: new Map([[oldest, seen(4n, 2, 6n)]]) });
    expect(await state.raise({ records: new Map([[last, seen(1n, 1)]]) })).toEqual([second]);
    const { records } = (await RisingState.open(path)).versions;
    expect(records.size).toBe(10_000);
    expect(records.get(oldest)).toEqual(seen(5n, 3, 7n));
    expect(records.get(last)).toEqual(seen(1n, 1));
  });

  test('a version that could not be written does not count, and is written with the next', async () => {
    const path = join(folder, 'versions.json');
    const state = await RisingState.open(path);
    await chmod(folder, 0o755);
    await expect(state.raise({ roster: 9n })).rejects.toThrow('chmod 700');
    expect(state.versions.roster).toBe(0n);
    await expect(state.raise({ roster: 9n })).rejects.toThrow('chmod 700');
    await chmod(folder, 0o700);
    await state.raise({ roster: 9n });
    await state.raise({ roster: 9n });
    expect((await RisingState.open(path)).versions.roster).toBe(9n);
  });

  test('damaged versions stop the start: starting from nothing would take an old roster', async () => {
    const path = join(folder, 'versions.json');
    await writePrivateFile(path, '{}');
    await expect(RisingState.open(path)).rejects.toThrow('damaged');
  });
});

describe('settings', () => {
  test('have defaults', () => {
    expect(readSettings({})).toEqual({
      guacd: { host: '127.0.0.1', port: 4822, plugins: true },
      media: { bindAddress: null, port: null, reconnectMs: 120_000, throughServer: true },
      recordings: { folder: null, mostBytes: 10 * 2 ** 30 },
      drives: { folder: null, mostBytes: 10 * 2 ** 30 },
      logLevel: 'info',
      certificateAuthority: null,
    });
  });

  test.each([
    ['GUACD_PORT', '0'],
    ['GUACD_PLUGINS', 'perhaps'],
    ['GUACD_ACCOUNT', 'guacd'],
    ['SALLYPORT_GATEWAY_DRIVE_GIB', '0'],
    ['SALLYPORT_GATEWAY_PORT', '70000'],
    ['SALLYPORT_GATEWAY_BIND', 'localhost'],
    ['LOG_LEVEL', 'loud'],
    ['SALLYPORT_GATEWAY_CA', '/nowhere.pem'],
  ])('a wrong %s is refused by that name', (name, value) => {
    expect(() => readSettings({ [name]: value })).toThrow(`${name}: `);
  });
});

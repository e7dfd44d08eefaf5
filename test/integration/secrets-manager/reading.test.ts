// What the official SDK reads: records, folders, links, and what its notation makes of them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../../protocol/bytes.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import type { SdkDevice } from '../../fixtures/secrets/sdk-device.ts';
import {
  SecretsVault,
  type VaultApplication,
  type VaultFolder,
  type VaultSecret,
} from '../../fixtures/secrets/secrets-vault.ts';
import { startTrustedServer, type TrustedServer } from '../../fixtures/secrets/trusted-server.ts';

let server: TrustedServer;
let vault: SecretsVault;
let application: VaultApplication;
let device: SdkDevice;
let servers: VaultFolder;
let databases: VaultFolder;
let replicas: VaultFolder;
let direct: VaultSecret;
let both: VaultSecret;

const titles = (records: readonly { readonly data: { readonly title: string } }[]) =>
  records.map(({ data }) => data.title).sort();

beforeAll(async () => {
  server = await startTrustedServer();
  vault = await SecretsVault.open(server.server);
  application = await vault.createApplication();
  servers = await vault.createFolder('Servers');
  databases = await vault.createSubfolder(servers, 'Databases');
  replicas = await vault.createSubfolder(databases, 'Réplicas');
  direct = await vault.putSecret(everyday, { holders: [application] });
  both = await vault.putSecret({ title: 'both' }, { holders: [application, servers] });
  await vault.putSecret({ title: 'root of the folder' }, { holders: [servers] });
  await vault.putSecret({ title: 'deep' }, { holders: [replicas] });
  await vault.putSecret({ title: 'of nobody' });
  await vault.share(application, [direct, both, servers]);
  device = await vault.addDevice(application);
});
afterAll(() => server.close());

const everyday = {
  title: 'everyday [x]/y',
  type: 'login',
  notes: 'line one\nline two',
  fields: [
    { type: 'login', value: ['root'] },
    { type: 'password', value: ['correct horse'] },
    { type: 'url', label: 'console', value: ['https://a.example.test', 'https://b.example.test'] },
  ],
  custom: [
    { type: 'phone', label: 'desk', value: [{ number: '555-1', region: 'US' }, { number: '555-2' }] },
    { type: 'name', label: 'contact', value: [{ first: 'Ada', last: 'Lovelace' }] },
    { type: 'text', label: 'empty', value: [] },
  ],
};

describe('records', () => {
  test('come directly and by folders, those in subfolders with the name of theirs', async () => {
    const { records } = await device.sdk.getSecrets(device.options);
    expect(titles(records)).toEqual(['both', 'both', 'deep', 'everyday [x]/y', 'root of the folder']);
    const of = (title: string) => records.filter(({ data }) => data.title === title);
    expect(of('deep')).toMatchObject([{ folderUid: servers.uid, innerFolderUid: replicas.uid }]);
    expect(of('root of the folder')).toMatchObject([{ folderUid: servers.uid }]);
    expect(of('root of the folder')[0]).not.toHaveProperty('innerFolderUid');
    expect(of('both').map(({ folderUid }) => folderUid)).toEqual(
      expect.arrayContaining([undefined, servers.uid]),
    );
    expect(of(everyday.title)[0]?.data).toEqual(everyday);
  });

  test('are those that were asked for, by record, by folder, by both', async () => {
    const ask = async (query: { recordsFilter?: string[]; foldersFilter?: string[] }) =>
      titles((await device.sdk.getSecrets2(device.options, query)).records);
    expect(await ask({ recordsFilter: [direct.uid] })).toEqual([everyday.title]);
    expect(await ask({ recordsFilter: [direct.uid, both.uid, newUid()] })).toEqual([
      'both',
      'both',
      everyday.title,
    ]);
    expect(await ask({ foldersFilter: [servers.uid] })).toEqual(['both', 'deep', 'root of the folder']);
    expect(await ask({ foldersFilter: [newUid()] })).toEqual([]);
    expect(await ask({ recordsFilter: [both.uid], foldersFilter: [servers.uid] })).toEqual(['both']);
    expect(await ask({ recordsFilter: [newUid()] })).toEqual([]);
    expect(await ask({ recordsFilter: [servers.uid] })).toEqual([]);
  });

  test('of another application, of another account and of the vault alone are not there', async () => {
    const other = await vault.addDevice(await vault.createApplication('other'));
    expect((await other.read()).size).toBe(0);
    expect((await other.sdk.getSecrets(other.options, [direct.uid])).records).toEqual([]);
    const stranger = await SecretsVault.open(server.server);
    const theirs = await stranger.addDevice(await stranger.createApplication());
    expect((await theirs.sdk.getSecrets(theirs.options, [direct.uid])).records).toEqual([]);
    expect(await theirs.sdk.getFolders(theirs.options)).toEqual([]);
  });

  test('are found by title', async () => {
    const found = await device.sdk.getSecretsByTitle(device.options, 'both');
    expect(found.map(({ recordUid }) => recordUid)).toEqual([both.uid, both.uid]);
    expect(await device.sdk.getSecretByTitle(device.options, 'of nobody')).toBeUndefined();
  });

  test('bring their links when they are asked for, and without being asked none', async () => {
    const user = newUid();
    const meta = utf8('{"allowedSettings":{"connections":true,"rotation":false},"version":1}');
    const acl = utf8('{"is_admin":true,"belongs_to":false}');
    const machine = await vault.putSecret(
      { title: 'machine', type: 'pamMachine' },
      {
        holders: [application],
        links: (own) => [
          { recordUid: user, data: acl },
          { recordUid: newUid() },
          { recordUid: own, data: meta, path: 'meta' },
        ],
      },
    );
    await vault.share(application, [machine]);
    const ask = async (requestLinks: boolean) => {
      const query = { recordsFilter: [machine.uid], requestLinks };
      const { records } = await device.sdk.getSecrets2(device.options, query);
      return records.flatMap((record) => device.sdk.getLinks(record));
    };
    const [first, second, third, ...more] = await ask(true);
    expect(more).toEqual([]);
    expect(first?.recordUid).toBe(user);
    expect([first?.isAdminUser(), first?.belongsTo(), first?.isLaunchCredential()]).toEqual([
      true,
      false,
      false,
    ]);
    expect([second?.path, second?.getDecodedData()]).toEqual([null, null]);
    expect([third?.recordUid, third?.path]).toEqual([machine.uid, 'meta']);
    expect([third?.allowsConnections(), third?.allowsRotation()]).toEqual([true, false]);
    expect(await ask(false)).toEqual([]);
    await vault.unshare(application, machine);
  });
});

describe('folders', () => {
  test('come with their names, each parent before its children', async () => {
    const folders = await device.sdk.getFolders(device.options);
    expect(folders).toEqual([
      { folderUid: servers.uid, name: 'Servers' },
      { folderUid: databases.uid, parentUid: servers.uid, name: 'Databases' },
      { folderUid: replicas.uid, parentUid: databases.uid, name: 'Réplicas' },
    ]);
  });

  test('without records are there, too', async () => {
    const empty = await vault.createFolder('Empty');
    await vault.share(application, [empty]);
    expect(await device.sdk.getFolders(device.options)).toContainEqual({
      folderUid: empty.uid,
      name: 'Empty',
    });
    await vault.unshare(application, empty);
    expect(await device.sdk.getFolders(device.options)).toHaveLength(3);
  });
});

describe('what changes', () => {
  test('is read at the next request: a new revision, an end of sharing, the trash', async () => {
    const secret = await vault.putSecret({ title: 'first' }, { holders: [application] });
    await vault.share(application, [secret]);
    const before = await device.readOne(secret.uid);
    await vault.reviseSecret(secret, { title: 'second' });
    const after = await device.readOne(secret.uid);
    expect([before.data.title, after.data.title]).toEqual(['first', 'second']);
    expect(after.revision).toBeGreaterThan(before.revision);
    await vault.unshare(application, secret);
    expect((await device.sdk.getSecrets(device.options, [secret.uid])).records).toEqual([]);
  });

  test('a record in the trash is not there, and one that came back is', async () => {
    const secret = await vault.putSecret({ title: 'thrown away' }, { holders: [application] });
    await vault.share(application, [secret]);
    const move = async (deleted: boolean) => {
      const change = await vault.person.change('x', {
        ...{ recordUid: uidBytes(secret.uid), baseRevision: secret.revision++, deleted },
      });
      await vault.client.putRecords([change]);
      return (await device.sdk.getSecrets(device.options, [secret.uid])).records.length;
    };
    expect([await move(true), await move(false)]).toEqual([0, 1]);
    await vault.unshare(application, secret);
  });

  test('a folder that is shared no more takes its records along, but not those that are shared directly', async () => {
    const other = await vault.createApplication('for a while');
    const guest = await vault.addDevice(other);
    await vault.share(other, [servers]);
    expect([...(await guest.read()).keys()].sort()).toEqual(['both', 'deep', 'root of the folder']);
    await vault.unshare(other, servers);
    expect((await guest.read()).size).toBe(0);
    expect(titles((await device.sdk.getSecrets(device.options)).records)).toContain('deep');
  });
});

describe('notation', () => {
  test.each<[string, () => string, string[]]>([
    ['a field', () => `keeper://${direct.uid}/field/password`, ['correct horse']],
    ['all values', () => `${direct.uid}/field/url[]`, ['https://a.example.test', 'https://b.example.test']],
    ['one value by label', () => `${direct.uid}/field/console[1]`, ['https://b.example.test']],
    ['a member of all values', () => `${direct.uid}/custom_field/desk[][number]`, ['555-1', '555-2']],
    ['a member of one value', () => `${direct.uid}/custom_field/contact[0][last]`, ['Lovelace']],
    ['an object', () => `${direct.uid}/custom_field/desk[1]`, ['{"number":"555-2"}']],
    ['the type', () => `${direct.uid}/type`, ['login']],
    ['the notes', () => `${direct.uid}/notes`, ['line one\nline two']],
    ['a title with escapes', () => String.raw`everyday \[x\]\/y/field/login`, ['root']],
    ['a record that is there twice', () => `${both.uid}/title`, ['both']],
  ])('%s', async (_, notation, values) => {
    expect(await device.sdk.getNotationResults(device.options, notation())).toEqual(values);
  });

  test('the older verb gives the first value, or the object', async () => {
    const secrets = await device.sdk.getSecrets(device.options, [direct.uid]);
    expect(device.sdk.getValue(secrets, `keeper://${direct.uid}/field/login`)).toBe('root');
    expect(device.sdk.getValue(secrets, `${direct.uid}/custom_field/contact[0][first]`)).toBe('Ada');
  });

  test('of what is not there says so', async () => {
    await expect(device.sdk.getNotationResults(device.options, `${newUid()}/title`)).rejects.toThrow(
      'no records match',
    );
    await expect(device.sdk.getNotationResults(device.options, 'both/title')).rejects.toThrow(
      'multiple records match',
    );
    expect(await device.sdk.tryGetNotationResults(device.options, `${direct.uid}/field/none`)).toEqual([]);
  });
});

test('the SDK that keeps its last answer on disk reads it when the server is away', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-sdk-cache-'));
  const here = process.cwd();
  process.chdir(folder);
  try {
    const cached = await vault.addDevice(application);
    cached.options.queryFunction = cached.sdk.cachingPostFunction;
    const online = titles((await cached.sdk.getSecrets(cached.options)).records);
    const hostname = (await cached.storage.getString('hostname')) ?? '';
    await cached.storage.saveString('hostname', '127.0.0.1:1');
    expect(titles((await cached.sdk.getSecrets(cached.options)).records)).toEqual(online);
    await cached.storage.saveString('hostname', hostname);
    expect(titles((await cached.sdk.getSecrets(cached.options)).records)).toEqual(online);
  } finally {
    process.chdir(here);
    rmSync(folder, { recursive: true });
  }
});

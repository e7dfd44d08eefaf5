// Attack class 4: someone takes the server's whole store and every log line, or a locked device. docs/security.md
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { empty, encodeBase64, encodeBase64url, encodeHex, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import type * as limitsModule from '../../protocol/limits.ts';
import type { TeamKey } from '../../protocol/messages/gen/organisation_pb.js';
import { openTeamKey } from '../../protocol/organisation/keys.ts';
import { newUid, uidBytes } from '../../protocol/uid.ts';
import { sealRecord, wrapRecordKey } from '../../protocol/vault/record-seal.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../server/store/embedded-postgres.ts';
import { createLogger } from '../../server/log/logger.ts';
import { DeviceService } from '../../protocol/messages/gen/device_pb.js';
import { PasskeyService, SecondFactorService } from '../../protocol/messages/gen/factor_pb.js';
import { SecretWriteKind } from '../../protocol/messages/gen/secrets_pb.js';
import { openDatabase } from '../../server/store/database.ts';
import { totpCode } from '../../server/login/totp.ts';
import { ApiClient, envelopeOf } from '../fixtures/api-client.ts';
import { Authenticator } from '../fixtures/authenticator.ts';
import { addClient, copyFor, createApplication, secretsClient } from '../fixtures/application.ts';
import { startEngine } from '../fixtures/engine.ts';
import { openLocalAccount } from '../../workers/engine/account/local-account.ts';
import { leaveIndex } from '../fixtures/held-index.ts';
import { joinVault } from '../fixtures/link-client.ts';
import { houseTexts, liveInHouse } from '../fixtures/lived-in-house.ts';
import { organisationPassword } from '../fixtures/organisation.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';
import { UnsteadyTransport } from '../fixtures/unsteady-transport.ts';

/** Devices of small vaults leave an index, too. */
vi.mock('../../protocol/limits.ts', async (original) => {
  const { limits } = await original<typeof limitsModule>();
  return { limits: { ...limits, heldIndex: { ...limits.heldIndex, things: 2 } } };
});

const password = 'master password of the attack';
const phrase = 'recovery words nobody else has';
const secretTexts = {
  title: 'production-db-01 title',
  host: '10.11.12.13-secret-host',
  login: 'root-login-name',
  password: 'hunter2-record-password',
  notes: 'notes nobody may read',
};

let server: TestServer;
let postgres: EmbeddedPostgres;
const folder = mkdtempSync(join(tmpdir(), 'sallyport-at-rest-'));
const lines: string[] = [];
const secrets = new Map<string, Uint8Array>();

/** A person, a gateway and all that they bring to the server. */
beforeAll(async () => {
  const log = createLogger('debug', undefined, { write: (line) => void lines.push(line) });
  postgres = await startEmbeddedPostgres({ folder });
  const { host, user, database } = postgres.connection;
  const databaseUrl = `postgres:///${database}?host=${encodeURIComponent(host)}&user=${user}`;
  server = await startTestServer({ databaseUrl }, { log });
  const vault = await ApiClient.connect(server.url);
  await vault.register('victim@example.test', password, server.setupToken ?? '', phrase);
  const application = await createApplication(vault);
  const recordUid = newUid();
  const scope = { recordUid, ownerUid: vault.accountUid };
  const recordKey = randomBytes(32);
  const content = {
    type: 'pamMachine',
    title: secretTexts.title,
    notes: secretTexts.notes,
    fields: [
      { type: 'host', value: [secretTexts.host] },
      { type: 'login', value: [secretTexts.login] },
      { type: 'password', value: [secretTexts.password] },
    ],
  };
  const change = {
    recordUid: uidBytes(recordUid),
    sealedKey: await wrapRecordKey(vault.account.dataKey, scope, 1, recordKey),
    sealedData: await sealRecord(recordKey, scope, 1n, content),
    applicationCopies: [await copyFor(application, recordUid, secretTexts.title)],
  };
  await vault.putRecords([change]);
  const { token, clientId } = await addClient(vault, application);
  const { privateKey } = generateEcdhKeyPair();
  const client = secretsClient(vault, clientId, privateKey);
  expect((await client.bind(token, () => undefined)).records).toHaveLength(1);
  const link = await joinVault(vault);
  link.socket.close();
  await vault.login('victim@example.test', password);
  await addDevicesAndFactors(vault);
  await addIndex();
  const { links, invitation, applicationKey, deviceKey } = await liveInHouse(server.url);
  secrets.set('invitation to a session', invitation);
  secrets.set('application key of a script', applicationKey);
  secrets.set('key of a script', deviceKey);
  for (const [i, link] of links.entries()) secrets.set(`link ${i}`, Buffer.from(link));
  const texts = { master: password, phrase, house: organisationPassword, ...secretTexts, ...houseTexts };
  for (const [name, text] of Object.entries(texts)) secrets.set(name, Buffer.from(text));
  secrets.set('session token', vault.sessionToken);
  secrets.set('one-time token', token);
  secrets.set('application key', application.appKey);
  secrets.set('record key', recordKey);
  secrets.set('gateway key', privateKey);
  secrets.set('account key', vault.account.ecdh.privateKey);
  secrets.set('setup token', Buffer.from(server.setupToken ?? '', 'base64url'));
});
afterAll(async () => {
  await server.close();
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

/** A device that was revoked, one that waits, a passkey, an authenticator app and backup codes. */
async function addDevicesAndFactors(vault: ApiClient): Promise<void> {
  vault.url = `http://localhost:${server.port}`; // credentials are of a name, not of an address
  const { method: devices } = DeviceService;
  const gone = await ApiClient.connect(server.url);
  await gone.login('victim@example.test', password);
  await vault.call(devices.revokeDevice, { deviceUid: uidBytes(gone.deviceUid) });
  await vault.call(devices.setDeviceApproval, { approval: true });
  await (await ApiClient.connect(server.url)).login('victim@example.test', password);
  const creation = await vault.call(PasskeyService.method.startPasskey, {});
  const made = new Authenticator(vault.url).create(creation);
  await vault.call(PasskeyService.method.finishPasskey, {
    ceremonyUid: creation.ceremonyUid,
    attestation: {
      ...{ credentialId: made.credentialId, clientDataJson: made.clientData },
      attestationObject: made.attestation,
    },
    name: 'Passkey',
    sealedDataKey: envelopeOf('data key'),
  });
  const { method: factors } = SecondFactorService;
  const { ceremonyUid, secret } = await vault.call(factors.startAuthenticatorApp, {});
  const code = totpCode(secret, Math.floor(Date.now() / 30_000));
  const app = { ceremonyUid, code, name: 'Phone' };
  const { backupCodes } = await vault.call(factors.finishAuthenticatorApp, app);
  secrets.set('secret of the authenticator app', secret);
  for (const [i, text] of backupCodes.entries()) {
    secrets.set(`backup code ${i}`, Buffer.from(text));
    secrets.set(`backup code ${i} without hyphens`, Buffer.from(text.replaceAll('-', '')));
  }
}

/** What a device leaves for the next new one: everything that lists show. */
async function addIndex(): Promise<void> {
  const network = new UnsteadyTransport();
  const engine = await startEngine(server.url, { transport: network });
  await engine.draftRecoveryPhrase();
  await engine.createAccount({ email: 'index@example.test', password });
  for (const title of [secretTexts.title, secretTexts.host])
    await engine.saveRecord({
      content: { type: 'login', title, notes: secretTexts.notes, fields: [] },
    });
  const { db, close } = await openDatabase(postgres.connection, () => undefined);
  await leaveIndex({ open: { db }, engine, network, password });
  await close();
  await engine.close();
}

/** The forms in which bytes are usually written down. */
function formsOf(secret: Uint8Array): Buffer[] {
  const standard = encodeBase64(secret).replace(/=+$/, '');
  const texts = [encodeHex(secret), standard, encodeBase64url(secret), encodeHex(secret).toUpperCase()];
  return [Buffer.from(secret), ...texts.map((text) => Buffer.from(text))];
}

function findIn(place: string, haystack: Buffer): string[] {
  return [...secrets].flatMap(([name, secret]) =>
    formsOf(secret).some((form) => haystack.includes(form)) ? [`${name} in ${place}`] : [],
  );
}

test('every row of every table holds none of the secrets', async () => {
  const client = new pg.Client(postgres.connection);
  await client.connect();
  const { rows } = await client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
  const found: string[] = [];
  const empty: string[] = [];
  for (const { tablename } of rows) {
    const table = await client.query(`SELECT * FROM ${tablename}`);
    if (!table.rowCount) empty.push(tablename);
    for (const value of table.rows.flatMap((row) => Object.values(row)).flat())
      found.push(...findIn(tablename, Buffer.isBuffer(value) ? value : Buffer.from(String(value))));
  }
  await client.end();
  expect(rows.length).toBeGreaterThanOrEqual(11);
  expect(found).toEqual([]);
  // Used up by the first account; emptied by the sweep, and of UIDs alone; and nobody in this house has set up a recovery,
  // or been recorded.
  const mayBeEmpty = ['setup_token', 'chunk_removal', 'recovery_enrolment', 'recovery_request'];
  mayBeEmpty.push('recording', 'recording_chunk', 'recording_auditor');
  mayBeEmpty.push('recording_marker', 'recording_hold');
  expect(empty.filter((name) => !mayBeEmpty.includes(name))).toEqual([]);
});

test('of what applications write there is every kind, and of their files those that came, those that did not, and the vault’s', async () => {
  const client = new pg.Client(postgres.connection);
  await client.connect();
  const kinds = async (query: string) => (await client.query(query)).rows.map(({ kind }) => String(kind));
  const writes = await kinds('SELECT DISTINCT kind FROM secret_write WHERE transaction = 0 ORDER BY 1');
  const open = await kinds('SELECT kind FROM secret_write WHERE transaction <> 0');
  const files = await kinds("SELECT DISTINCT added || ' ' || finished AS kind FROM secret_file ORDER BY 1");
  await client.end();
  expect(writes.map(Number)).toEqual([
    SecretWriteKind.UPDATE,
    SecretWriteKind.CREATE,
    SecretWriteKind.DELETE,
    SecretWriteKind.CREATE_FOLDER,
    SecretWriteKind.UPDATE_FOLDER,
    SecretWriteKind.DELETE_FOLDER,
  ]);
  expect(open.map(Number)).toEqual([SecretWriteKind.UPDATE]);
  expect(files).toEqual(['false true', 'true false', 'true true']);
});

test('no chunk of a file holds any of the secrets', () => {
  const { store } = server.config.files;
  if (!('folder' in store)) throw new Error('not a folder');
  const chunks = readdirSync(store.folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const kinds = new Set(chunks.map(({ parentPath }) => basename(parentPath).length));
  expect([...kinds].sort()).toEqual([32, 65]); // an attachment; files of applications
  const found = chunks.flatMap(({ parentPath, name }) => findIn(name, readFileSync(join(parentPath, name))));
  expect(found).toEqual([]);
});

/** Null: the store, which is at work, removed it since it was listed, as it does with its caches. */
function contentOf(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

test('the files of the store, its log of writes included, hold none of the secrets', () => {
  const files = readdirSync(join(folder, 'postgres'), { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile(),
  );
  const read = files.flatMap(({ parentPath, name }) => {
    const content = contentOf(join(parentPath, name));
    return content ? [{ name, content }] : [];
  });
  const found = read.flatMap(({ name, content }) => findIn(name, content));
  expect(read.length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});

test('a locked device of a member holds none of the secrets, nor a key of a team', async () => {
  const device = await startEngine(server.url);
  await device.signIn({ email: 'person-2@example.test', password: organisationPassword });
  await device.syncNow();
  const encoded = () => device.storage.readAccount().then((account) => account ?? new Uint8Array(0));
  await expect.poll(async () => (await teamKeysIn(await encoded())).length).toBe(1);
  await device.lock();
  for (const [i, key] of (await teamKeysIn(await encoded())).entries()) secrets.set(`key of team ${i}`, key);
  const { manifest, shares, snapshot } = await device.storage.readCopy();
  const rows = (await device.storage.readRows()).map(({ record }) => record);
  const cards = (await device.storage.readObjects('card')).map(({ bytes }) => bytes);
  const rest = [manifest?.bytes, snapshot.base, await device.storage.readRecent()].map(
    (bytes) => bytes ?? empty,
  );
  const kept = [...rows, ...cards, ...shares.map(({ bytes }) => bytes), ...snapshot.journal, ...rest];
  expect(kept.length).toBeGreaterThan(5);
  expect(findIn('the device', Buffer.concat([await encoded(), ...kept]))).toEqual([]);
  await device.close();
});

/** Opened as their owner opens them. */
async function teamKeysIn(encoded: Bytes): Promise<Bytes[]> {
  const { account } = await openLocalAccount(encoded, organisationPassword);
  const { keys, organisation } = account;
  const open = (message: TeamKey) => openTeamKey(keys.ecdh, keys.accountUid, organisation.publicKey, message);
  return await Promise.all(organisation.teamKeys.map(async (message) => (await open(message)).privateKey));
}

test("the server's own key file opens none of it, and is its owner's alone", () => {
  const path = join(server.config.dataFolder, 'server-keys.json');
  expect(execFileSync('stat', ['-c', '%a', path], { encoding: 'utf8' }).trim()).toBe('600');
  expect(findIn('key file', readFileSync(path))).toEqual([]);
});

test('no log line holds any of the secrets, nor the email', () => {
  secrets.set('email', Buffer.from('victim@example.test'));
  expect(lines.length).toBeGreaterThan(10);
  expect(findIn('log', Buffer.from(lines.join('')))).toEqual([]);
});

test('the search would have found them', () => {
  const planted = Buffer.from(
    `{"token":"${encodeBase64url(secrets.get('session token') ?? new Uint8Array())}"}`,
  );
  expect(findIn('a planted line', planted)).toEqual(['session token in a planted line']);
});

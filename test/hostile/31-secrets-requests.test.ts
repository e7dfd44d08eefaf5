// Requests to the secrets-manager API that are damaged, replayed, forged or sent elsewhere: the documented error, and nothing
// changes.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decodeBase64, encodeBase64, encodeBase64url } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { limits } from '../../protocol/limits.ts';
import { rotateKeys } from '../../server/keys/key-file.ts';
import { createLogger } from '../../server/log/logger.ts';
import {
  capture,
  privateKeyOf,
  sealPayload,
  send,
  type RawRequest,
} from '../fixtures/secrets/raw-requests.ts';
import type { SdkDevice } from '../fixtures/secrets/sdk-device.ts';
import {
  SecretsVault,
  type VaultApplication,
  type VaultFolder,
  type VaultSecret,
} from '../fixtures/secrets/secrets-vault.ts';
import { startTrustedServer, type TrustedServer } from '../fixtures/secrets/trusted-server.ts';
import { tableContents } from '../fixtures/table-contents.ts';

/** Everything that a request may write, but the list of events: a refusal may be one. */
const tables = [
  ...['application', 'client', 'record', 'record_history', 'shared_folder', 'folder_entry', 'secret'],
  ...['secret_version', 'secret_key', 'secret_folder', 'secret_place', 'secret_share', 'secret_write'],
  ...['secret_file', 'secret_file_key'],
];

let server: TrustedServer;
let vault: SecretsVault;
let application: VaultApplication;
let folder: VaultFolder;
let subfolder: VaultFolder;
let secret: VaultSecret;
let device: SdkDevice;
/** One request of each method that would be done. */
let requests: Readonly<Record<string, () => Promise<RawRequest>>>;

const content = { title: 'one', type: 'login', fields: [{ type: 'password', value: ['first'] }] };

beforeAll(async () => {
  server = await startTrustedServer({ rates: { secrets: { burst: 10_000, perSecond: 10_000 } } });
  // A second key, so that a request can name one and be sealed to the other.
  rotateKeys(server.server.config.dataFolder, Date.now());
  server.server.reloadKeys();
  vault = await SecretsVault.open(server.server);
  application = await vault.createApplication();
  folder = await vault.createFolder('Shared');
  subfolder = await vault.createSubfolder(folder, 'Below');
  secret = await vault.putSecret(content, { holders: [folder] });
  await vault.share(application, [folder], true);
  device = await vault.addDevice(application);
  await device.sdk.getFolders(device.options);
  const record = await device.readOne(secret.uid);
  await device.sdk.getFolders(device.options);
  const { sdk, options } = device;
  const keys = async <T>(call: () => Promise<T>) => {
    // Both, so that every key is in the SDK's memory.
    await sdk.getSecrets(options);
    return await call();
  };
  const file = { name: 'a', title: 'a', data: new Uint8Array(10) };
  const of = (call: () => Promise<unknown>) => async () => keys(() => capture(device, call));
  requests = {
    get_secret: () => capture(device, () => sdk.getSecrets(options)),
    get_folders: () => capture(device, () => sdk.getFolders(options)),
    update_secret: of(() => sdk.updateSecret(options, record)),
    create_secret: of(() => sdk.createSecret(options, folder.uid, content)),
    delete_secret: of(() => sdk.deleteSecret(options, [secret.uid])),
    create_folder: of(() => sdk.createFolder(options, { folderUid: folder.uid }, 'New')),
    update_folder: of(() => sdk.updateFolder(options, folder.uid, 'Renamed')),
    delete_folder: of(() => sdk.deleteFolder(options, [subfolder.uid], true)),
    finalize_secret_update: () => capture(device, () => sdk.completeTransaction(options, secret.uid)),
    rollback_secret_update: () => capture(device, () => sdk.completeTransaction(options, secret.uid, true)),
    add_file: of(() => sdk.uploadFile(options, structuredClone(record), file)),
  };
});
afterAll(() => server.close());

const methods = [
  ...['get_secret', 'get_folders', 'update_secret', 'create_secret', 'delete_secret', 'create_folder'],
  ...['update_folder', 'delete_folder', 'finalize_secret_update', 'rollback_secret_update', 'add_file'],
];
const requestOf = async (method: string): Promise<RawRequest> => {
  const make = requests[method];
  if (!make) throw new Error(`no request for ${method}`);
  return await make();
};
const post = (method: string, request: RawRequest) => send(server.server.url, method, request);

/** Whatever `attack` does, nothing is different afterwards. */
async function changingNothing<T>(attack: () => Promise<T>): Promise<T> {
  const before = await tableContents(server.db, tables);
  const outcome = await attack();
  expect(await tableContents(server.db, tables)).toEqual(before);
  return outcome;
}

const flipped = (bytes: Uint8Array, at: number) => {
  const index = at < 0 ? bytes.length + at : at;
  return new Uint8Array(bytes).with(index, (bytes[index] ?? 0) ^ 1);
};
const withHeader = (request: RawRequest, change: Readonly<Record<string, string>>): RawRequest => ({
  ...request,
  headers: { ...request.headers, ...change },
});
const wrappedKeyOf = ({ headers }: RawRequest) =>
  decodeBase64((headers['TransmissionKey'] ?? '').replace(/=+$/, ''));
const signatureOf = ({ headers }: RawRequest) =>
  decodeBase64((headers['Authorization'] ?? '').replace('Signature ', '').replace(/=+$/, ''));
const withKey = (request: RawRequest, key: Uint8Array) =>
  withHeader(request, { TransmissionKey: encodeBase64(key) });
const withSignature = (request: RawRequest, signature: Uint8Array) =>
  withHeader(request, { Authorization: `Signature ${encodeBase64(signature)}` });

const badRequest = { status: 400, error: 'bad_request' };
const badSignature = { status: 403, error: 'access_denied', message: 'Signature is invalid' };

describe.each(methods)('%s', (method) => {
  const damages: readonly (readonly [string, (request: RawRequest) => RawRequest])[] = [
    ['form of the ephemeral key', (it) => withKey(it, flipped(wrappedKeyOf(it), 0))],
    ['x of the ephemeral key', (it) => withKey(it, flipped(wrappedKeyOf(it), 1))],
    ['y of the ephemeral key', (it) => withKey(it, flipped(wrappedKeyOf(it), 64))],
    ['nonce of the transmission key', (it) => withKey(it, flipped(wrappedKeyOf(it), 65))],
    ['ciphertext of the transmission key', (it) => withKey(it, flipped(wrappedKeyOf(it), 77))],
    ['tag of the transmission key', (it) => withKey(it, flipped(wrappedKeyOf(it), -1))],
    ['nonce of the body', (it) => ({ ...it, body: flipped(it.body, 0) })],
    ['ciphertext of the body', (it) => ({ ...it, body: flipped(it.body, 12) })],
    ['tag of the body', (it) => ({ ...it, body: flipped(it.body, -1) })],
  ];
  test.each(damages)('with a bit changed in the %s', async (_, damage) => {
    const request = await requestOf(method);
    expect(await changingNothing(() => post(method, damage(request)))).toMatchObject(badRequest);
  });

  test('cut, empty, too long', async () => {
    const request = await requestOf(method);
    await changingNothing(async () => {
      for (const length of [0, 11, 12, 28, request.body.length - 1])
        expect(await post(method, { ...request, body: request.body.slice(0, length) })).toMatchObject(
          badRequest,
        );
      const much = { ...request, body: new Uint8Array(limits.apiBody + 1) };
      expect(await post(method, much)).toMatchObject(badRequest);
      expect(await post(method, withKey(request, wrappedKeyOf(request).slice(0, -1)))).toMatchObject(
        badRequest,
      );
    });
  });

  test('signed by nobody, by another key, by half, or twice', async () => {
    const request = await requestOf(method);
    const other = await requestOf(method);
    const signature = signatureOf(request);
    await changingNothing(async () => {
      for (const bytes of [signature.slice(0, -1), flipped(signature, -1), signatureOf(other)])
        expect(await post(method, withSignature(request, bytes))).toMatchObject(badSignature);
      for (const header of ['', 'Signature', 'Signature ', `Bearer ${encodeBase64(signature)}`])
        expect(await post(method, withHeader(request, { Authorization: header }))).toMatchObject(badRequest);
    });
  });

  test('named for another key of the server, or in the name of another client', async () => {
    const request = await requestOf(method);
    const newer = String(Number(request.headers['PublicKeyId']) === 20 ? 21 : 20);
    await changingNothing(async () => {
      expect(await post(method, withHeader(request, { PublicKeyId: newer }))).toMatchObject(badRequest);
      for (const id of ['', '-1', '020', '20 ', '1e1', '99999999999999999999'])
        expect(await post(method, withHeader(request, { PublicKeyId: id }))).toMatchObject(badRequest);
    });
  });

  test('sent again, it is refused, whatever became of it the first time', async () => {
    const request = await requestOf('get_secret');
    expect(await post('get_secret', request)).toMatchObject({ status: 200 });
    await changingNothing(async () => {
      const again = await post('get_secret', request);
      expect(again).toMatchObject({ status: 403, error: 'access_denied' });
      expect(again.message).toContain('sent before');
      const spelt = (request.headers['TransmissionKey'] ?? '').replaceAll('+', '-').replaceAll('/', '_');
      expect(await post(method, withHeader(request, { TransmissionKey: spelt }))).not.toMatchObject({
        status: 200,
      });
    });
  });

  /** Two pairs of methods say the same, and the path is not signed: the format leaves it so. */
  const alike: readonly (readonly string[])[] = [
    ['get_secret', 'get_folders'],
    ['finalize_secret_update', 'rollback_secret_update'],
  ];
  test('is done at no other address than its own', async () => {
    for (const elsewhere of methods) {
      if (elsewhere === method || alike.some((pair) => pair.includes(method) && pair.includes(elsewhere)))
        continue;
      const request = await requestOf(method);
      const answer = await changingNothing(() => post(elsewhere, request));
      expect([elsewhere, answer.status, answer.error]).toEqual([elsewhere, 400, 'bad_request']);
    }
  });
});

describe('a client', () => {
  test('that nobody knows, or with the key of another, is nobody', async () => {
    const stranger = generateEcdhKeyPair();
    const { serverKey } = vault.client;
    await changingNothing(async () => {
      const members = {
        clientId: encodeBase64(randomBytes(64)),
        publicKey: encodeBase64(stranger.publicKey),
      };
      const unknown = await sealPayload(device, serverKey, members, stranger.privateKey);
      expect(await post('get_secret', unknown)).toMatchObject({
        ...{ status: 403, error: 'access_denied', message: 'Unable to validate application access' },
      });
      const publicKey = encodeBase64(stranger.publicKey);
      const forged = await sealPayload(device, serverKey, { publicKey }, stranger.privateKey);
      expect(await post('get_secret', forged)).toMatchObject(badSignature);
    });
  });

  test('that asks with a key that the server never had is told which to take, three times', async () => {
    const request = withHeader(await requestOf('get_secret'), { PublicKeyId: '7' });
    await changingNothing(async () => {
      for (let i = 0; i < 3; i++) {
        const answer = await post('get_secret', request);
        expect(answer).toMatchObject({ status: 401, error: 'key' });
        expect(JSON.parse(answer.text)).toMatchObject({
          key_id: expect.any(Number),
          message: 'invalid key id',
        });
      }
      expect(await post('get_secret', request)).toMatchObject({ status: 403, error: 'access_denied' });
    });
  });

  test.each([
    'nothing',
    'get_secrets',
    'GET_SECRET',
    '__proto__',
    'constructor',
    'get_secret%00',
    'a'.repeat(200),
  ])('that calls %s gets nothing', async (method) => {
    const request = await requestOf('get_secret');
    const answer = await changingNothing(() => post(method, request));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });
});

describe('what a client says', () => {
  const say = async (method: string, members: object) =>
    await changingNothing(async () =>
      post(method, await sealPayload(device, vault.client.serverKey, members)),
    );
  const uid = () => encodeBase64url(randomBytes(16));
  let update: object;
  let create: object;
  let file: object;
  beforeEach(async () => {
    const { revision } = await device.readOne(secret.uid);
    const [data, wrapped] = [encodeBase64(randomBytes(100)), encodeBase64(randomBytes(60))];
    const ecies = encodeBase64(Uint8Array.of(4, ...randomBytes(124)));
    update = { recordUid: secret.uid, data, revision };
    create = { recordUid: uid(), recordKey: ecies, folderUid: folder.uid, folderKey: wrapped, data };
    file = {
      ...{ fileRecordUid: uid(), fileRecordKey: ecies, fileRecordData: data, ownerRecordUid: secret.uid },
      ...{ ownerRecordData: data, ownerRecordRevision: revision, linkKey: wrapped, fileSize: 38 },
    };
  });

  test.each<[string, string, object]>([
    ['no record', 'update_secret', { recordUid: null }],
    ['a record that is a number', 'update_secret', { recordUid: 7 }],
    ['no data', 'update_secret', { data: null }],
    ['no ciphertext', 'update_secret', { data: 'AAAA' }],
    ['data that is no base64', 'update_secret', { data: '!' }],
    ['a revision that is a text', 'update_secret', { revision: '1' }],
    ['a negative revision', 'update_secret', { revision: -1 }],
    ['a revision beyond 2^53', 'update_secret', { revision: 2 ** 53 }],
    ['another kind of transaction', 'update_secret', { transactionType: 'forever' }],
    ['files that are a text', 'update_secret', { links2Remove: 'a' }],
    ['more files than there can be', 'update_secret', { links2Remove: Array.from({ length: 20_000 }, uid) }],
    ['a record key in clear', 'create_secret', { recordKey: encodeBase64(randomBytes(32)) }],
    ['a record key that is no point', 'create_secret', { recordKey: encodeBase64(new Uint8Array(125)) }],
    ['a folder key in clear', 'create_secret', { folderKey: encodeBase64(randomBytes(32)) }],
    ['a record of no UID', 'create_secret', { recordUid: 'x' }],
    ['no folder', 'create_secret', { folderUid: null }],
    ['a file key in clear', 'add_file', { fileRecordKey: encodeBase64(randomBytes(32)) }],
    ['a file of no UID', 'add_file', { fileRecordUid: 'x' }],
    ['a file of no size', 'add_file', { fileSize: null }],
    ['a file that is less than nothing', 'add_file', { fileSize: -1 }],
    ['a file that is too small to be sealed', 'add_file', { fileSize: 27 }],
    ['a file that is too large', 'add_file', { fileSize: limits.secrets.file + 1 }],
  ])('%s (%s)', async (_, method, change) => {
    const whole = { update_secret: update, create_secret: create, add_file: file }[method];
    expect(await say(method, { ...whole, ...change })).toMatchObject(badRequest);
  });

  test('of a record that it does not see is not found', async () => {
    const mine = await vault.putSecret({ title: 'of the vault alone' });
    const stranger = await SecretsVault.open(server.server);
    const theirs = await stranger.putSecret({ title: 'of another account' });
    const missing = { status: 404, error: 'record_uid_not_found' };
    for (const recordUid of [mine.uid, theirs.uid, uid(), 'x', '']) {
      expect(await say('update_secret', { ...update, recordUid })).toMatchObject(missing);
      expect(await say('finalize_secret_update', { recordUid })).toMatchObject(missing);
      expect(await say('rollback_secret_update', { recordUid })).toMatchObject(missing);
      expect(await say('add_file', { ...file, ownerRecordUid: recordUid })).toMatchObject(missing);
    }
  });

  test('of a folder that it does not have is not found', async () => {
    const [mine, stranger] = [await vault.createFolder('Mine'), await SecretsVault.open(server.server)];
    const theirs = await stranger.createFolder('Theirs');
    const missing = { status: 404, error: 'folder_uid_not_found' };
    const named = {
      folderUid: uid(),
      sharedFolderKey: encodeBase64(randomBytes(64)),
      data: encodeBase64(randomBytes(48)),
    };
    for (const folderUid of [mine.uid, theirs.uid, uid(), 'x']) {
      expect(await say('create_secret', { ...create, folderUid })).toMatchObject(missing);
      expect(await say('create_secret', { ...create, subFolderUid: folderUid })).toMatchObject(missing);
      expect(await say('create_folder', { ...named, sharedFolderUid: folderUid })).toMatchObject(missing);
      const below = { ...named, sharedFolderUid: folder.uid, parentUid: folderUid };
      expect(await say('create_folder', below)).toMatchObject(missing);
      expect(await say('update_folder', { folderUid, data: named.data })).toMatchObject(missing);
    }
  });

  test('does not put a new record, folder or file in the place of one that is there', async () => {
    const mine = await vault.putSecret({ title: 'of the vault alone' });
    const stranger = await SecretsVault.open(server.server);
    const theirs = await stranger.putSecret({ title: 'of another account' });
    for (const recordUid of [secret.uid, mine.uid, theirs.uid]) {
      const answer = await say('create_secret', { ...create, recordUid });
      expect([recordUid, answer.status >= 400 && answer.status < 500]).toEqual([recordUid, true]);
    }
    const named = {
      sharedFolderUid: folder.uid,
      sharedFolderKey: encodeBase64(randomBytes(64)),
      data: encodeBase64(randomBytes(48)),
    };
    for (const folderUid of [folder.uid, subfolder.uid]) {
      const answer = await say('create_folder', { ...named, folderUid });
      expect([folderUid, answer.status >= 400 && answer.status < 500]).toEqual([folderUid, true]);
    }
  });
});

test('a record key that a client sends in clear is nowhere afterwards: not in the store, not in the log, not in the answer', async () => {
  const lines: string[] = [];
  const log = createLogger('debug', undefined, { write: (line: string) => void lines.push(line) });
  const logged = await startTrustedServer({ log });
  try {
    const own = await SecretsVault.open(logged.server);
    const app = await own.createApplication();
    const shared = await own.createFolder('Shared');
    await own.share(app, [shared], true);
    const client = await own.addDevice(app);
    const key = randomBytes(32);
    const spellings = [encodeBase64(key), encodeBase64url(key), Buffer.from(key).toString('hex')];
    const create = {
      ...{ recordUid: encodeBase64url(randomBytes(16)), folderUid: shared.uid, recordKey: encodeBase64(key) },
      ...{ folderKey: encodeBase64(randomBytes(60)), data: encodeBase64(randomBytes(100)) },
    };
    const before = await tableContents(logged.db, [...tables, 'secret_event']);
    const answer = await send(
      logged.server.url,
      'create_secret',
      await sealPayload(client, own.client.serverKey, create),
    );
    expect(answer).toMatchObject(badRequest);
    const after = await tableContents(logged.db, [...tables, 'secret_event']);
    for (const name of tables) expect(after[name]).toEqual(before[name]);
    const told = [answer.text, JSON.stringify(after), lines.join('\n')];
    expect(lines.length).toBeGreaterThan(0);
    for (const text of told) for (const spelling of spellings) expect(text).not.toContain(spelling);
    expect(await privateKeyOf(client)).toHaveLength(32);
  } finally {
    await logged.close();
  }
});

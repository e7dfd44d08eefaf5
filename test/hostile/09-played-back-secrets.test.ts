// Attack class 9, of what applications wrote: a server plays back a former write, shows a former version or another record's write
// as one, creates what there is, and gives out deletions of its own. Nothing of it gets into the vault, its person is told, and
// what applications really write goes on.
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { copy } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { SecretWriteKind } from '../../protocol/messages/gen/secrets_pb.js';
import { sealLegacyEcies } from '../../protocol/secrets-manager/legacy-crypto.ts';
import { sealSecretJson } from '../../protocol/secrets-manager/secret-seal.ts';
import { newUid, uidBytes, type Uid } from '../../protocol/uid.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';
import { loginSecret, withField, type SecretsScript } from '../fixtures/secrets-script.ts';
import { eventually, SecretsVault, vaultPassword } from '../fixtures/secrets-vault.ts';

let open: OpenServer;
let vault: SecretsVault;
let script: SecretsScript;
let applicationUid: Uid;
let [recordUid, otherUid]: Uid[] = [];
let other = 0;

beforeAll(async () => void (open = await startOpenServer()));
afterAll(() => open.close());

beforeEach(async () => {
  vault = await SecretsVault.create(open.server.url);
  ({ applicationUid, recordUid, script } = await vault.sharedRecord());
  otherUid = await vault.save('Other', 'first');
  await vault.share(applicationUid, otherUid, 'record');
  await eventually(() => script.titles()).toEqual(['Database', 'Other']);
  return () => vault.close();
});

const target = (): Uid => {
  if (!recordUid) throw new Error('no record');
  return recordUid;
};

interface WriteRow {
  readonly object_uid: Uint8Array;
  readonly kind: number;
  readonly base_revision: number;
  readonly key_version: number;
  readonly data: Uint8Array;
  readonly application_uid: Uint8Array;
  readonly client_id: Uint8Array;
  readonly written_at: number;
  readonly owner_key: Uint8Array;
  readonly wrapped_key: Uint8Array;
  readonly root_uid: Uint8Array | null;
}

/** What an application wrote on that object and no vault has taken over. */
async function waiting(objectUid: Uid): Promise<WriteRow> {
  const { rows } = await sql<WriteRow>`
    SELECT object_uid, kind, base_revision, key_version, data, application_uid, client_id, written_at, owner_key,
      wrapped_key, root_uid FROM secret_write WHERE object_uid = ${uidBytes(objectUid)}`.execute(open.db);
  const [row] = rows;
  if (!row) throw new Error('nothing waits');
  return row;
}

/** The server shows that as what the application wrote just now. */
async function show(row: WriteRow, changes: Partial<WriteRow> = {}): Promise<void> {
  const write = { ...row, ...changes };
  await sql`
    INSERT INTO secret_write (account_uid, object_uid, kind, base_revision, key_version, data, application_uid,
      client_id, written_at, owner_key, wrapped_key, root_uid)
    SELECT owner_uid, ${write.object_uid}, ${write.kind}, ${write.base_revision}, ${write.key_version}, ${write.data},
      application_uid, ${write.client_id}, ${write.written_at}, ${write.owner_key},
      ${write.wrapped_key}, ${write.root_uid}
    FROM application WHERE application_uid = ${write.application_uid}`.execute(open.db);
}

/** Writes a password, and gives the write as the server had it, once the vault took it over. */
async function writeAndTake(password: string): Promise<WriteRow> {
  await writable();
  const read = await script.record('Database');
  await script.update(read, withField(read.content, 'password', password), { transactionType: 'general' });
  const row = await waiting(target());
  await script.call('finalize_secret_update', { recordUid: target() });
  await eventually(() => vault.passwordOf(target())).toBe(password);
  await writable();
  return row;
}

/** Until what was written is a version of the vault's. */
async function writable(): Promise<void> {
  await eventually(async () => {
    const { rows } = await sql`SELECT 1 FROM secret_write WHERE object_uid = ${uidBytes(target())}`.execute(
      open.db,
    );
    return rows.length;
  }).toBe(0);
}

/** What an application really wrote arrives: after it, the vault has looked at everything that the server shows. */
async function restGoesOn(): Promise<void> {
  const password = `goes on ${++other}`;
  const read = await script.record('Other');
  await script.update(read, withField(read.content, 'password', password));
  await eventually(() => vault.passwordOf(otherUid ?? target())).toBe(password);
}

const told = async () =>
  (await vault.engine.listApplicationChanges()).map(({ kind, objectUid }) => ({ kind, objectUid }));

async function dismissed(): Promise<void> {
  const [change] = await vault.engine.listApplicationChanges();
  await vault.engine.settleApplicationChange({ change: change?.change ?? '', accept: false });
  expect(await vault.engine.listApplicationChanges()).toEqual([]);
}

const unreadable = () => [{ kind: 'unreadable', objectUid: target() }];

describe('a server that shows as an application’s write', () => {
  test('a former write: the password of before does not come back', async () => {
    const former = await writeAndTake('two');
    await writeAndTake('three');
    await show(former);
    await restGoesOn();
    expect(await vault.passwordOf(target())).toBe('three');
    await eventually(told).toEqual(unreadable());
    await dismissed();
    await writeAndTake('four');
  });

  test('a former write after a person’s change: there is nothing that it is merged with', async () => {
    const former = await writeAndTake('two');
    await vault.save('Database', 'three', target());
    await eventually(() => script.passwordOf('Database')).toBe('three');
    await show(former);
    await restGoesOn();
    expect(await vault.passwordOf(target())).toBe('three');
    await eventually(told).toEqual(unreadable());
  });

  test('a former write under the number of a newer revision: its key does not open it', async () => {
    const former = await writeAndTake('two');
    await writeAndTake('three');
    await show(former, { base_revision: former.base_revision + 2 });
    await restGoesOn();
    expect(await vault.passwordOf(target())).toBe('three');
    await eventually(told).toEqual(unreadable());
  });

  test('a former version of the record', async () => {
    const { rows } = await sql<{ data: Uint8Array }>`
      SELECT data FROM secret_version WHERE record_uid = ${uidBytes(target())}`.execute(open.db);
    const row = await writeAndTake('two');
    await show(row, { base_revision: row.base_revision + 1, data: rows[0]?.data ?? new Uint8Array() });
    await restGoesOn();
    expect(await vault.passwordOf(target())).toBe('two');
    await eventually(told).toEqual(unreadable());
  });

  test('the version that the vault sealed itself, after a person changed the record: it makes no revision', async () => {
    const { rows } = await sql<{ data: Uint8Array }>`
      SELECT data FROM secret_version WHERE record_uid = ${uidBytes(target())}`.execute(open.db);
    const read = await script.record('Database');
    await script.update(read, withField(read.content, 'password', 'two'), { transactionType: 'general' });
    const row = await waiting(target());
    await script.call('rollback_secret_update', { recordUid: target() });
    await vault.save('Database', 'three', target());
    await eventually(() => script.passwordOf('Database')).toBe('three');
    await show(row, { data: rows[0]?.data ?? new Uint8Array() });
    await restGoesOn();
    await writable();
    expect(await vault.passwordOf(target())).toBe('three');
    expect(await vault.engine.listHistory(target())).toHaveLength(2);
  });

  test('a write of another record', async () => {
    const read = await script.record('Other');
    const stolen = withField(read.content, 'password', 'of another record');
    await script.update(read, stolen, { transactionType: 'general' });
    const row = await waiting(otherUid ?? target());
    await script.call('rollback_secret_update', { recordUid: otherUid });
    await show(row, { object_uid: uidBytes(target()) });
    await restGoesOn();
    expect(await vault.passwordOf(target())).toBe('one');
    await eventually(told).toEqual(unreadable());
  });

  test('a write of an application that may only read', async () => {
    const read = await script.record('Database');
    await script.update(read, withField(read.content, 'password', 'two'), { transactionType: 'general' });
    const row = await waiting(target());
    await script.call('rollback_secret_update', { recordUid: target() });
    await vault.share(applicationUid, target(), 'record', false);
    await eventually(async () => (await script.record('Database')).isEditable).toBe(false);
    await show(row);
    await restGoesOn();
    expect(await vault.passwordOf(target())).toBe('one');
    await eventually(told).toEqual(unreadable());
  });

  test('a deletion that nobody asked for: it waits, and declined it is as if it had not been', async () => {
    const row = { kind: SecretWriteKind.DELETE, data: new Uint8Array() };
    const write = await sql<WriteRow>`
      SELECT ${uidBytes(target())}::bytea AS object_uid, 1 AS base_revision, 1 AS key_version, application_uid,
        client_id, 1 AS written_at, ''::bytea AS owner_key, ''::bytea AS wrapped_key, NULL::bytea AS root_uid
      FROM client WHERE application_uid = ${uidBytes(applicationUid)}`.execute(open.db);
    const [base] = write.rows;
    if (!base) throw new Error('no device');
    await show({ ...base, ...row });
    await restGoesOn();
    expect((await vault.engine.readRecord(target())).trashed).toBe(false);
    expect(await told()).toEqual([{ kind: 'delete-record', objectUid: target() }]);
    await dismissed();
    expect(await script.passwordOf('Database')).toBe('one');
  });
});

test('what an application writes as it read it is taken over without a revision, and the next counts', async () => {
  const read = await script.record('Database');
  await script.update(read, read.content);
  await writable();
  expect(await vault.engine.listHistory(target())).toHaveLength(1);
  await writeAndTake('two');
  expect(await vault.engine.listHistory(target())).toHaveLength(2);
});

describe('a server that shows as a record that an application created', () => {
  async function created() {
    const folderUid = await vault.engine.createSharedFolder('Servers');
    await vault.share(applicationUid, folderUid, 'folder');
    await eventually(async () => (await script.read()).folders.has(folderUid)).toBe(true);
    await vault.engine.lock();
    const uid = await script.create(folderUid, loginSecret('Created', 'new'));
    return { uid, row: await waiting(uid) };
  }

  /** As every device is given it, and as the server has it. */
  async function ownerPublicKey(): Promise<Uint8Array<ArrayBuffer>> {
    const { rows } = await sql<{ app_owner_public_key: Uint8Array }>`
      SELECT app_owner_public_key FROM client WHERE application_uid = ${uidBytes(applicationUid)}`.execute(
      open.db,
    );
    return copy(rows[0]?.app_owner_public_key ?? new Uint8Array(0));
  }

  async function unlock(): Promise<void> {
    await vault.engine.unlock({ password: vaultPassword });
  }

  test('one of the vault’s own: it stays what it was', async () => {
    const { uid, row } = await created();
    await sql`DELETE FROM secret_write WHERE object_uid = ${uidBytes(target())}`.execute(open.db);
    await show(row, { object_uid: uidBytes(target()) });
    await unlock();
    await eventually(() => vault.passwordOf(uid)).toBe('new');
    await eventually(told).toEqual(unreadable());
    expect(await vault.passwordOf(target())).toBe('one');
  });

  test('one that was taken over and changed since', async () => {
    const { uid, row } = await created();
    await unlock();
    await eventually(() => vault.passwordOf(uid)).toBe('new');
    await vault.save('Created', 'changed', uid);
    await eventually(() => script.passwordOf('Created')).toBe('changed');
    await show(row);
    await restGoesOn();
    expect(await vault.passwordOf(uid)).toBe('changed');
    await eventually(told).toEqual([{ kind: 'unreadable', objectUid: uid }]);
  });

  test('one whose key is sealed to somebody else', async () => {
    const { uid, row } = await created();
    const planted = newUid();
    const key = row.owner_key.slice();
    key[70] = (key[70] ?? 0) ^ 1;
    await sql`
      INSERT INTO secret (account_uid, record_uid, base_revision)
      SELECT owner_uid, ${uidBytes(planted)}, 0 FROM application
      WHERE application_uid = ${uidBytes(applicationUid)}`.execute(open.db);
    await show(row, { object_uid: uidBytes(planted), owner_key: key });
    await unlock();
    await eventually(() => vault.passwordOf(uid)).toBe('new');
    await eventually(told).toEqual([{ kind: 'unreadable', objectUid: planted }]);
    await expect(vault.engine.readRecord(planted)).rejects.toMatchObject({ name: 'not-found' });
  });

  test.each(['nothing', 'what it likes', 'another creation’s'])(
    'one that the server made, its key sealed to the application’s owner, under the folder’s key %s',
    async (under) => {
      const { uid, row } = await created();
      const [planted, key] = [newUid(), randomBytes(32)];
      const folderKey = { nothing: new Uint8Array(0), 'what it likes': randomBytes(60) }[under];
      await sql`
        INSERT INTO secret (account_uid, record_uid, base_revision)
        SELECT owner_uid, ${uidBytes(planted)}, 0 FROM application
        WHERE application_uid = ${uidBytes(applicationUid)}`.execute(open.db);
      await show(row, {
        object_uid: uidBytes(planted),
        data: await sealSecretJson(key, loginSecret('Created', 'planted')),
        owner_key: await sealLegacyEcies(await ownerPublicKey(), key),
        wrapped_key: folderKey ?? row.wrapped_key,
      });
      await unlock();
      await eventually(() => vault.passwordOf(uid)).toBe('new');
      await eventually(told).toEqual([{ kind: 'unreadable', objectUid: planted }]);
      await expect(vault.engine.readRecord(planted)).rejects.toMatchObject({ name: 'not-found' });
    },
  );
});

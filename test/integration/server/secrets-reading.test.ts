import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64, utf8 } from '../../../protocol/bytes.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { SecretLinkSchema } from '../../../protocol/messages/gen/secrets_pb.js';
import { openLegacyCbc } from '../../../protocol/secrets-manager/legacy-crypto.ts';
import { create } from '@bufbuild/protobuf';
import { sql } from 'kysely';
import type { Database, Tx } from '../../../server/store/database.ts';
import { decodeBase64 } from '../../../protocol/bytes.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { foldAllChanges, foldChanges } from '../../../server/secrets-manager/answer-cache.ts';
import { envelopeOf } from '../../fixtures/api-client.ts';
import { putRecord } from '../../fixtures/application.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { folderNameOf, SecretsHouse, titlesOf } from '../../fixtures/secrets-house.ts';

let open: OpenServer;
beforeAll(
  async () => void (open = await startOpenServer({ rates: { secrets: { burst: 1e5, perSecond: 1e5 } } })),
);
afterAll(() => open.close());

describe('get_secret', () => {
  test('gives records that are shared directly and those of shared folders, flat, under their keys', async () => {
    const house = await SecretsHouse.open(open);
    const { appKey } = house.application;
    const root = await house.folder('Root', { editable: true });
    const sub = await house.subfolder('Sub', root, root);
    const direct = await house.record('direct', { direct: { editable: true } });
    const inRoot = await house.record('in root', { folders: [root] });
    const inSub = await house.record('in sub', { folders: [sub] });
    const both = await house.record('both', { direct: { editable: false }, folders: [root] });
    await house.record('of nobody', {});
    const device = await house.device();
    const answer = await device.read();
    expect(await titlesOf(appKey, answer.records)).toEqual(['both', 'direct']);
    expect(answer.folders).toHaveLength(1);
    const [folder] = answer.folders;
    expect(folder).toMatchObject({ folderUid: root.uid, data: null, parent: null, isEditable: true });
    expect(await titlesOf(root.key, folder?.records ?? null)).toEqual(['both', 'in root', 'in sub']);
    const of = (uid: string) => folder?.records?.find(({ recordUid }) => recordUid === uid);
    expect(of(inRoot.uid)).toMatchObject({
      innerFolderUid: null,
      isEditable: true,
      revision: 7,
      files: null,
    });
    expect(of(inSub.uid)).toMatchObject({ innerFolderUid: sub.uid });
    const top = answer.records.find(({ recordUid }) => recordUid === both.uid);
    expect(top).toMatchObject({ innerFolderUid: null, isEditable: false });
    expect(answer.records.find(({ recordUid }) => recordUid === direct.uid)?.isEditable).toBe(true);
    expect(answer).toMatchObject({ encryptedAppKey: null, appOwnerPublicKey: null, expiresOn: 0 });
  });

  test('filters keep what was named, and what cannot be there is no error', async () => {
    const house = await SecretsHouse.open(open);
    const [one, other] = [
      await house.folder('One', { editable: false }),
      await house.folder('Two', { editable: false }),
    ];
    const direct = await house.record('direct', { direct: { editable: false } });
    const inOne = await house.record('in one', { folders: [one] });
    await house.record('in two', { folders: [other] });
    const device = await house.device();
    const found = async (filter: object) => {
      const { records, folders } = await device.read('get_secret', filter);
      const inside = folders.flatMap((folder) => folder.records ?? []);
      return [folders.length, ...[...records, ...inside].map(({ recordUid }) => recordUid)];
    };
    expect(await found({ requestedRecords: [inOne.uid] })).toEqual([1, inOne.uid]);
    expect(await found({ requestedRecords: [direct.uid] })).toEqual([0, direct.uid]);
    expect(await found({ requestedFolders: [one.uid] })).toEqual([1, inOne.uid]);
    expect(await found({ requestedFolders: [one.uid], requestedRecords: [direct.uid] })).toEqual([0]);
    expect(await found({ requestedRecords: ['AAAAAAAAAAAAAAAAAAAAAA', 'no uid', newUid()] })).toEqual([0]);
    expect(await found({ requestedFolders: ['no uid'] })).toEqual([0]);
    expect(await found({ requestedRecords: [], requestedFolders: null })).toHaveLength(4);
  });

  test('links come when they are asked for', async () => {
    const house = await SecretsHouse.open(open);
    const record = await house.record('linked', { direct: { editable: false } });
    const uid = uidBytes(record.uid);
    const meta = { recordUid: uid, data: utf8('{"version":1}'), path: 'meta' };
    const links = [meta, { recordUid: uid }].map((link) =>
      Buffer.from(encodeMessage(SecretLinkSchema, create(SecretLinkSchema, link))),
    );
    await open.db.updateTable('secret_version').set({ links }).where('record_uid', '=', uid).execute();
    const device = await house.device();
    const read = async (members: object) => (await device.read('get_secret', members)).records[0]?.links;
    expect(await read({})).toBeUndefined();
    expect(await read({ requestLinks: true })).toEqual([
      { recordUid: record.uid, data: encodeBase64(utf8('{"version":1}')), path: 'meta' },
      { recordUid: record.uid, data: null, path: null },
    ]);
  });

  test('what its account may not read any more, or has in the trash, is gone at the next request', async () => {
    const house = await SecretsHouse.open(open);
    const root = await house.folder('Root', { editable: true });
    const [kept, trashed, taken] = [
      await house.record('kept', { folders: [root] }),
      await house.record('trashed', { folders: [root] }),
      await house.record('taken out', { folders: [root] }),
    ];
    const device = await house.device();
    const count = async () => (await device.read()).folders[0]?.records?.length;
    expect(await count()).toBe(3);
    await house.vault.putRecords([
      {
        ...{ recordUid: uidBytes(trashed.uid), baseRevision: 1n, deleted: true },
        ...{ sealedKey: envelopeOf('key'), sealedData: envelopeOf('trashed') },
      },
    ]);
    expect(await count()).toBe(2);
    await open.db.deleteFrom('folder_entry').where('record_uid', '=', uidBytes(taken.uid)).execute();
    expect(await count()).toBe(1);
    await open.db
      .updateTable('object_access')
      .set({ expires_at: Date.now() - 1 })
      .where('object_uid', '=', uidBytes(root.uid))
      .execute();
    expect(await device.read()).toMatchObject({ folders: [], records: [] });
    expect(await device.read('get_folders')).toMatchObject({ folders: [] });
    expect(kept.uid).toHaveLength(22);
  });

  test('access that ends by itself ends what was answered before, too', async () => {
    const house = await SecretsHouse.open(open);
    const root = await house.folder('Root', { editable: true });
    await house.record('kept', { folders: [root] });
    const device = await house.device();
    await open.db
      .updateTable('object_access')
      .set({ expires_at: Date.now() + 8_000 })
      .where('object_uid', '=', uidBytes(root.uid))
      .execute();
    expect((await device.read()).folders[0]?.records).toHaveLength(1);
    await expect.poll(async () => (await device.read()).folders, { timeout: 30_000 }).toEqual([]);
  });

  test('whatever changes is read at once, however often; what changed is not looked through without end', async () => {
    const house = await SecretsHouse.open(open);
    const record = await house.record('first', { direct: { editable: true } });
    const device = await house.device();
    const title = async () => await titlesOf(house.application.appKey, (await device.read()).records);
    const changes = async () => {
      const { rows } = await sql<{ count: number }>`
        SELECT count(*) AS count FROM secret_change WHERE account_uid = ${house.account}`.execute(open.db);
      return rows[0]?.count ?? 0;
    };
    for (let i = 0; i < 40; i++) {
      expect(await title()).toEqual([i === 0 ? 'first' : `number ${i - 1}`]);
      const [read] = (await device.read()).records;
      await device.update(read!, record.key, `number ${i}`);
      expect(await title()).toEqual([`number ${i}`]);
    }
    expect(await changes()).toBeLessThan(80);
    const before = await changes();
    for (let i = 0; i < 5; i++) await title();
    expect(await changes()).toBe(before);
  });

  test('changes of an account become one when many look at once, when its devices only write, and when nobody asks', async () => {
    const house = await SecretsHouse.open(open);
    const record = await house.record('first', { direct: { editable: true } });
    const device = await house.device();
    const account = uidOf(house.account);
    const changes = async () => {
      const { rows } = await sql<{ count: number; newest: number }>`
        SELECT count(*) AS count, max(change) AS newest FROM secret_change
        WHERE account_uid = ${house.account}`.execute(open.db);
      return rows[0] ?? { count: 0, newest: 0 };
    };
    const change = async () =>
      await sql`INSERT INTO secret_change (account_uid) SELECT ${house.account}::bytea
        FROM generate_series(1, 100)`.execute(open.db);
    await change();
    const many = await changes();
    await Promise.all(Array.from({ length: 80 }, () => foldChanges(open.db, account, many)));
    expect((await changes()).count).toBe(1);
    expect((await changes()).newest).toBeGreaterThan(many.newest);
    const [read] = (await device.read()).records;
    await change();
    await device.update(read!, record.key, 'written');
    expect((await changes()).count).toBeLessThan(64);
    await change();
    await foldAllChanges(open.db);
    expect((await changes()).count).toBe(1);
  });

  test('a change that is committed late is seen, though later ones were read before it', async () => {
    const house = await SecretsHouse.open(open);
    const [one, two] = [
      await house.record('one', { direct: { editable: false } }),
      await house.record('two', { direct: { editable: false } }),
    ];
    const device = await house.device();
    const rename = (db: Database | Tx, uid: Uid, revision: number) =>
      db.updateTable('secret').set({ revision }).where('record_uid', '=', uidBytes(uid)).execute();
    const revisions = async () => {
      const { records } = await device.read();
      return [one, two].map(({ uid }) => records.find(({ recordUid }) => recordUid === uid)?.revision);
    };
    await open.db.transaction().execute(async (tx) => {
      await rename(tx, one.uid, 100);
      await rename(open.db, two.uid, 200);
      expect(await revisions()).toEqual([7, 200]);
      expect(await revisions()).toEqual([7, 200]);
    });
    expect(await revisions()).toEqual([100, 200]);
  });

  test("another application's records and folders are none of its business; unsharing takes effect at once", async () => {
    const house = await SecretsHouse.open(open);
    const root = await house.folder('Root', { editable: true });
    const record = await house.record('one', { direct: { editable: true }, folders: [root] });
    const other = await (await house.another()).device();
    expect(await other.read()).toMatchObject({ folders: [], records: [] });
    expect(await other.read('get_secret', { requestedRecords: [record.uid] })).toMatchObject({ records: [] });
    expect(await other.read('get_folders')).toMatchObject({ folders: [] });
    const device = await house.device();
    await house.unshare(record.uid);
    expect(await device.read()).toMatchObject({ records: [], folders: [{ folderUid: root.uid }] });
    await house.unshare(root.uid);
    expect(await device.read()).toMatchObject({ records: [], folders: [] });
  });

  test("copies of a gateway's application go on beside them", async () => {
    const house = await SecretsHouse.open(open);
    await house.record('of scripts', { direct: { editable: false } });
    const uid = await putRecord(house.vault, 'of gateways', [house.application]);
    const device = await house.device();
    expect(await titlesOf(house.application.appKey, (await device.read()).records)).toEqual([
      'of gateways',
      'of scripts',
    ]);
    expect(await device.call('delete_secret', { recordUids: [uid] })).toMatchObject({
      json: { records: [{ recordUid: uid, responseCode: 'access_denied' }] },
    });
  });
});

describe('get_folders', () => {
  test('gives each parent before its children, names and keys as clients open them', async () => {
    const house = await SecretsHouse.open(open);
    const root = await house.folder('Root', { editable: true });
    const deep = [root];
    for (let depth = 0; depth < 6; depth++)
      deep.push(await house.subfolder(`Depth ${depth}`, deep.at(-1) ?? root, root));
    const { folders, records } = await (await house.device()).read('get_folders');
    expect(records).toEqual([]);
    expect(folders).toHaveLength(7);
    const seen = new Set<string>();
    for (const { folderUid, parent, data, folderKey } of folders) {
      expect(parent === null || seen.has(parent)).toBe(true);
      seen.add(folderUid);
      const index = deep.findIndex(({ uid }) => uid === folderUid);
      const key = deep[index]?.key ?? new Uint8Array(32);
      expect(await folderNameOf(key, data)).toBe(index === 0 ? 'Root' : `Depth ${index - 1}`);
      if (index > 0) expect(await openLegacyCbc(root.key, decodeBase64(folderKey))).toEqual(key);
    }
    expect(folders[0]).toMatchObject({ folderUid: root.uid, parent: null, records: null });
    expect(folders[1]?.parent).toBe(root.uid);
  });
});

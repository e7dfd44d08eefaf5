// Attack class 9: removed items. An offer of ownership that nobody has answered lets the server say that the record went to
// whom it was offered; it went to nobody.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { TestEngine } from '../fixtures/engine.ts';
import { startOrganisation } from '../fixtures/organisation.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';

let open: OpenServer;
let engines: TestEngine[] = [];

beforeAll(async () => {
  open = await startOpenServer();
  engines = (await startOrganisation(open.server.url, 2)).map(({ engine }) => engine);
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
  await open.close();
});

async function offered() {
  const [ada, ben] = engines;
  if (!ada || !ben) throw new Error('two people');
  const uid = await ada.saveRecord({
    content: { type: 'login', title: 'Offered', fields: [{ type: 'password', value: ['secret'] }] },
  });
  await ada.offerOwnership({ recordUids: [uid], accountUid: (await ben.readOrganisation()).ownUid });
  await ada.syncNow();
  return { ada, ben, adaUid: (await ada.readOrganisation()).ownUid, uid };
}

/** The server deletes the record and calls it handed on, with the offer and the best that it has of a taking over. */
async function callHandedOn(adaUid: Uid, recordUid: Uid): Promise<void> {
  const { db } = open;
  const [account, uid] = [uidBytes(adaUid), uidBytes(recordUid)];
  const grants = db.selectFrom('sharing_grant').selectAll().where('object_uid', '=', uid);
  const offer = await grants.executeTakeFirstOrThrow();
  const records = db.selectFrom('record').selectAll().where('record_uid', '=', uid);
  const record = await records.executeTakeFirstOrThrow();
  await db
    .insertInto('record_transfer')
    .values({
      ...{ account_uid: account, record_uid: uid, deleted: false, key_version: record.key_version },
      ...{ revision: record.covered_revision, tag: record.covered_tag },
      ...{ handover_body: offer.body, handover_signature: offer.signature },
      ...{ taken_revision: record.revision, taken_signature: record.signature },
      ...{ taken_data_hash: new Uint8Array(32), taken_launch_hash: new Uint8Array(32) },
      taker_uid: new Uint8Array(16),
    })
    .execute();
  await db.deleteFrom('record').where('record_uid', '=', uid).execute();
  const moved = db.updateTable('account').set(({ eb }) => ({ cursor: eb('cursor', '+', 1) }));
  const { cursor } = await moved
    .where('account_uid', '=', account)
    .returning('cursor')
    .executeTakeFirstOrThrow();
  await db
    .updateTable('feed')
    .set({ cursor })
    .where('account_uid', '=', account)
    .where('object_uid', '=', uid)
    .where('kind', '=', 1)
    .execute();
}

test('an honest server: whoever takes it over has it, and the former owner’s vault is whole', async () => {
  const { ada, ben, uid } = await offered();
  await ben.syncNow();
  await ben.acceptOwnership(uid);
  await ada.syncNow();
  await ada.syncNow();
  expect(ada.states.at(-1)?.vaultIncomplete).toBe(false);
  const left = await open.db.selectFrom('record_transfer').select('record_uid').execute();
  expect(left).toEqual([]);
});

test('what was offered and never taken is missing, not gone', async () => {
  const { ada, adaUid, uid } = await offered();
  await callHandedOn(adaUid, uid);
  await ada.syncNow();
  await ada.syncNow();
  expect((await ada.listRecords()).map((row) => row.uid)).toContain(uid);
  expect(ada.states.at(-1)?.vaultIncomplete).toBe(true);
});

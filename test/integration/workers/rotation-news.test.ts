// Who hears of a rotation of keys: whoever sees what it signed anew, and nobody else. protocol.md §23.5.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import { itemKinds } from '../../../server/key-rotation/items.ts';
import type { Transport } from '../../../workers/engine/environment.ts';
import { webTransport } from '../../../workers/transport/web.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { organisationPassword as password, startOrganisation } from '../../fixtures/organisation.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';

let open: OpenServer;
let ada: TestEngine, ben: TestEngine, cleo: TestEngine;
const uids = new Map<TestEngine, Uid>();

beforeAll(async () => {
  open = await startOpenServer();
  const people = (await startOrganisation(open.server.url, 3)).map(({ engine }) => engine);
  [ada, ben, cleo] = people as [TestEngine, TestEngine, TestEngine];
  for (const engine of people) uids.set(engine, (await engine.readOrganisation()).ownUid);
});
afterAll(async () => {
  for (const engine of [ada, ben, cleo]) await engine.close();
  await open.close();
});

const uidOfEngine = (engine: TestEngine) => uids.get(engine) ?? expect.unreachable('nobody');

async function sharedBy(owner: TestEngine, reader: TestEngine): Promise<Uid> {
  const uid = await owner.saveRecord({ content: { type: 'login', title: 'shared', fields: [] } });
  const grantees = [{ kind: 'account', uid: uidOfEngine(reader) } as const];
  await owner.shareRecords({ recordUids: [uid], grantees, rights: 'view', expiresAt: null });
  return uid;
}

/** Where the record is in the feed of who sees it. */
async function placeOf(reader: TestEngine, recordUid: Uid): Promise<number> {
  const { cursor } = await open.db
    .selectFrom('feed')
    .select('cursor')
    .where('account_uid', '=', uidBytes(uidOfEngine(reader)))
    .where('object_uid', '=', uidBytes(recordUid))
    .where('kind', '=', 1)
    .executeTakeFirstOrThrow();
  return cursor;
}

/** New keys for Ada, who has staged these offers, too, that no record holds. */
async function rotateWithOffersOf(records: readonly Uid[]): Promise<void> {
  const transport: Transport = {
    ...webTransport,
    request: async (url, body, signal) => {
      if (url.pathname.endsWith('/FinishKeyRotation'))
        await open.db
          .insertInto('key_rotation_item')
          .values(
            records.map((uid) => ({
              ...{
                account_uid: uidBytes(uidOfEngine(ada)),
                kind: itemKinds.handover,
                object_uid: uidBytes(uid),
              },
              ...{ other_uid: randomBytes(16), revision: 0, key_version: 0, sealed: new Uint8Array(0) },
              ...{ body: randomBytes(100), signature: randomBytes(64) },
            })),
          )
          .execute();
      return await webTransport.request(url, body, signal);
    },
  };
  const engine = await startEngine(open.server.url, { transport });
  await engine.signIn({ email: 'person-0@example.test', password });
  await engine.syncNow();
  await engine.draftRecoveryPhrase();
  const { previewUid } = await engine.previewKeyRotation();
  expect(await engine.rotateKeys({ previewUid, password })).toEqual({ kind: 'done' });
  await engine.close();
}

test('offers that no record holds are news to nobody; what was signed anew is', async () => {
  const [own, others] = [await sharedBy(ada, cleo), await sharedBy(ben, cleo)];
  await cleo.syncNow();
  const before = [await placeOf(cleo, own), await placeOf(cleo, others)] as const;
  const ofBen = await placeOf(ben, others);
  await rotateWithOffersOf([own, others]);
  expect(await placeOf(cleo, own)).toBeGreaterThan(before[0]);
  expect(await placeOf(cleo, others)).toBe(before[1]);
  expect(await placeOf(ben, others)).toBe(ofBen);
});

// Attack class 19: getting around what one person may use. A colleague fills somebody's vault with what they share, who
// was not asked.
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { RecordService } from '../../protocol/messages/gen/record_pb.js';
import { SharingService } from '../../protocol/messages/gen/sharing_pb.js';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { organisationPassword, startOrganisation } from '../fixtures/organisation.ts';
import { codeOf } from '../fixtures/outcome.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';
import { putTeam, registerPeople, registerPerson, type Person } from '../fixtures/sharing-client.ts';

const { putRecords } = RecordService.method;
const { putGrants, putEntries, leaveShares } = SharingService.method;

let open: OpenServer;
beforeAll(async () => void (open = await startOpenServer()));
afterAll(() => open.close());

/** Grants of before, as if they had been made one after another. */
async function given(granterUid: Uid, grantee: Uid, count: number, kind: 'person' | 'team' = 'person') {
  await sql`
    INSERT INTO sharing_grant (object_kind, object_uid, grantee_kind, grantee_uid, granter_uid, rights, expires_at,
      key_version, body, signature, sealed_key, grantee_key_version)
    SELECT 1, decode(md5(random()::text || n), 'hex'), ${kind === 'team' ? 2 : 1}, ${uidBytes(grantee)},
      ${uidBytes(granterUid)}, 1, 9007199254740991, 1, '\\x00', '\\x00', '\\x00', 0
    FROM generate_series(1, ${count}::integer) n`.execute(open.db);
}

describe('on the server', () => {
  test('one person gives another so much and no more; folders and other people are not concerned', async () => {
    const [eve, ada, ben, cleo] = (await registerPeople(open, 4)) as [Person, Person, Person, Person];
    const [first, second] = [await eve.create('one'), await eve.create('two')];
    await given(eve.uid, ada.uid, limits.shares.fromOneToOne - 1);
    await eve.share(first, ada);
    const over = async (who: Person, record: Uid, to: Person | Uid) => {
      const grant = await who.grant(record, to, typeof to === 'string' ? { granteeKeyVersion: 1 } : {});
      return await codeOf(who.client.call(putGrants, { grants: [grant] }));
    };
    expect(await over(eve, second, ada)).toBe('limit-reached');
    expect(await over(eve, first, ada)).toBe('done'); // in the place of the former
    expect(await over(eve, second, ben)).toBe('done');
    expect(await over(cleo, await cleo.create(), ada)).toBe('done');
    const team = await putTeam(open, [ada]);
    await given(eve.uid, team, limits.shares.fromOneToOne, 'team');
    expect(await over(eve, second, team)).toBe('limit-reached');
  });

  test('all together give somebody so much and no more, who then leaves what one of them gave', async () => {
    const [eve, ada, cleo] = (await registerPeople(open, 3)) as [Person, Person, Person];
    const record = await cleo.create();
    for (let left = limits.shares.toOne; left > 0; left -= limits.shares.fromOneToOne)
      await given(left === limits.shares.toOne ? eve.uid : newUid(), ada.uid, limits.shares.fromOneToOne);
    const share = async () =>
      await codeOf(cleo.client.call(putGrants, { grants: [await cleo.grant(record, ada)] }));
    expect(await share()).toBe('limit-reached');
    const { left, hasMore } = await ada.client.call(leaveShares, { granterUid: uidBytes(eve.uid) });
    expect([left, hasMore]).toEqual([limits.leftAtOnce, true]);
    expect(await share()).toBe('done');
    expect((await ada.see()).records.map(({ recordUid }) => uidOf(recordUid))).toEqual([record]);
  });

  test('a new key is given to who had the former, however much they have', async () => {
    const [owner, editor, ada] = (await registerPeople(open, 3)) as [Person, Person, Person];
    const record = await owner.create();
    await owner.share(record, editor, { rights: { edit: true, share: true } });
    await editor.share(record, ada, { ownerUid: owner.uid });
    const others = limits.shares.toOne - 1;
    for (let n = others; n > 0; n -= limits.shares.fromOneToOne)
      await given(newUid(), ada.uid, Math.min(n, limits.shares.fromOneToOne));
    const change = await owner.change('new key', {
      ...{ recordUid: uidBytes(record), baseRevision: 1n, keyVersion: 2 },
      sealedFormerKey: (await owner.change('')).sealedKey as Uint8Array<ArrayBuffer>,
    });
    const grants = [await owner.grant(record, ada, { keyVersion: 2 })];
    const putting = owner.client.writeNext((manifest) =>
      owner.client.call(putRecords, { changes: [change], grants, manifest }),
    );
    expect(await codeOf(putting)).toBe('done');
  });

  test('one author puts so many records into folders and no more', async () => {
    const [eve] = (await registerPeople(open, 1)) as [Person];
    const first = await eve.create();
    await sql`
      INSERT INTO record SELECT (jsonb_populate_record(record, jsonb_build_object('record_uid', '\\x' || md5(n::text)))).*
      FROM record, generate_series(1, ${limits.recordsPerFolder}::integer) n
      WHERE record.record_uid = ${uidBytes(first)}`.execute(open.db);
    for (let n = 0; n < limits.shares.entriesOfOne / limits.recordsPerFolder; n++) {
      const folder = await eve.createFolder();
      await sql`
        INSERT INTO folder_entry (folder_uid, record_uid, author_uid, body, signature, sealed_key, sealed_launch_key,
          sealed_place, record_key_version, rights, cap, cap_expires_at)
        SELECT ${uidBytes(folder)}, record_uid, owner_uid, '\\x00', '\\x00', '\\x00', '\\x00', '\\x00', 1, 1, NULL, 0
        FROM record WHERE owner_uid = ${uidBytes(eve.uid)} AND record_uid <> ${uidBytes(first)}`.execute(
        open.db,
      );
    }
    const entry = await eve.entry(
      { uid: await eve.createFolder(), owner: eve.uid },
      { uid: first, owner: eve.uid },
    );
    expect(await codeOf(eve.client.call(putEntries, { entries: [entry] }))).toBe('limit-reached');
  });
});

describe('in the vault of who is given it', () => {
  const own = { type: 'login', title: 'of my own', fields: [{ type: 'password', value: ['mine'] }] };
  let ada: TestEngine, ben: TestEngine;
  let eve: Person;
  let ownRecord: Uid;
  const flood = 2_000;

  beforeAll(async () => {
    [ada, ben] = (await startOrganisation(open.server.url, 2)).map(({ engine }) => engine) as [
      TestEngine,
      TestEngine,
    ];
    ownRecord = await ada.saveRecord({ content: own });
    const { ownUid } = await ada.readOrganisation();
    eve = await registerPerson(open.server);
    await open.db
      .updateTable('account')
      .set(({ selectFrom }) => ({
        organisation_uid: selectFrom('account')
          .select('organisation_uid')
          .where('account_uid', '=', uidBytes(ownUid)),
      }))
      .where('account_uid', '=', uidBytes(eve.uid))
      .execute();
    for (let at = 0; at < flood; at += limits.changesPerRequest) await giveJunk(ownUid);
  });
  afterAll(async () => {
    for (const engine of [ada, ben]) await engine.close();
  });

  async function giveJunk(granteeUid: Uid): Promise<void> {
    const changes = await Promise.all(
      Array.from({ length: limits.changesPerRequest }, (_, n) => eve.change(`junk ${n}`)),
    );
    await eve.client.putRecords(changes);
    const grants = await Promise.all(
      changes.map(({ recordUid }) => eve.grant(uidOf(recordUid), eve, { granteeUid })),
    );
    await eve.client.call(putGrants, { grants });
  }

  async function expectOwn(engine: TestEngine): Promise<void> {
    const found = await engine.listRecords({ query: 'of my own' });
    expect(found.map(({ uid }) => uid)).toEqual([ownRecord]);
    const field = { group: 'fields', index: 0 } as const;
    expect(await engine.revealField({ recordUid: ownRecord, field })).toBe('mine');
    expect(engine.states.at(-1)).toMatchObject({ vaultIncomplete: false });
  }

  test('sync, unlock and search of what is one’s own go on, on a device that was there and on a new one', async () => {
    await ada.syncNow();
    await expectOwn(ada);
    const again = await ada.saveRecord({ content: { ...own, title: 'written in the flood' } });
    await ada.lock();
    await ada.unlock({ password: organisationPassword });
    await expectOwn(ada);
    const fresh = await startEngine(open.server.url);
    await fresh.signIn({ email: 'person-0@example.test', password: organisationPassword });
    await fresh.syncNow();
    await expectOwn(fresh);
    expect((await fresh.listRecords()).map(({ uid }) => uid).toSorted()).toEqual(
      [ownRecord, again].toSorted(),
    );
    await fresh.close();
  });

  test('everything of one person is left in one go, and nothing of anybody else', async () => {
    const { ownUid } = await ada.readOrganisation();
    const grantees = [{ kind: 'account', uid: ownUid } as const];
    const recordUids: Uid[] = [];
    for (let n = 0; n < 3; n++)
      recordUids.push(await ben.saveRecord({ content: { ...own, title: `of Ben ${n}` } }));
    await ben.shareRecords({ recordUids, grantees, rights: 'view', expiresAt: null });
    await ada.syncNow();
    const seen = async () => (await ada.listRecords({ query: 'of Ben' })).length;
    expect(await seen()).toBe(3);
    expect(await ada.leaveShares(eve.uid)).toBe(flood);
    expect(await seen()).toBe(3);
    expect(await ada.leaveShares((await ben.readOrganisation()).ownUid)).toBe(3);
    expect(await seen()).toBe(0);
    await expectOwn(ada);
    const rest = await sql`SELECT FROM sharing_grant WHERE grantee_uid = ${uidBytes(ownUid)}`.execute(
      open.db,
    );
    expect(rest.rows).toEqual([]);
  });
});

// Which former revisions stay, whoever writes how often: protocol.md §9.11.
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import { envelopeOf } from '../../fixtures/api-client.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { registerPeople, type NamedChange, type Person } from '../../fixtures/sharing-client.ts';

const { listHistory, putRecords } = RecordService.method;
const day = 24 * 60 * 60_000;

describe('the history of a record', () => {
  let open: OpenServer;
  let owner: Person;
  let editor: Person;
  beforeAll(async () => {
    open = await startOpenServer();
    const [one, other] = await registerPeople(open, 2);
    if (!one || !other) throw new Error('two people');
    [owner, editor] = [one, other];
  });
  afterAll(() => open.close());

  async function shared(): Promise<Uid> {
    const uid = await owner.create('1, by the owner');
    await owner.share(uid, editor, { rights: { edit: true } });
    return uid;
  }

  async function write(by: Person, uid: Uid, base: number, more: Partial<NamedChange> = {}) {
    const recordUid = uidBytes(uid);
    const options = { recordUid, baseRevision: BigInt(base), ownerUid: owner.uid, ...more };
    const change = await by.change(`${base + 1}`, options);
    if (by === owner) await owner.client.putRecords([change]);
    else await by.client.call(putRecords, { changes: [change] });
  }

  async function kept(uid: Uid): Promise<{ revisions: number[]; keys: number[] }> {
    const revisions: number[] = [];
    const keys = new Set<number>();
    for (let beforeRevision = 0n, more = true; more;) {
      const page = await owner.client.call(listHistory, { recordUid: uidBytes(uid), beforeRevision });
      revisions.push(...page.revisions.map(({ revision }) => Number(revision)));
      for (const { keyVersion } of page.keys) keys.add(keyVersion);
      [beforeRevision, more] = [BigInt(revisions.at(-1) ?? 0), page.hasMore];
    }
    return { revisions, keys: [...keys] };
  }

  const newest = (from: number, count: number) => Array.from({ length: count }, (_, i) => from - i);

  test('what the owner wrote does not go with the number of revisions that an editor writes', async () => {
    const uid = await shared();
    await write(owner, uid, 1);
    for (let base = 2; base < 130; base++) await write(editor, uid, base);
    expect((await kept(uid)).revisions).toEqual([...newest(129, 100), 2, 1]);
    await write(owner, uid, 130);
    for (let base = 131; base < 240; base++) await write(editor, uid, base);
    expect((await kept(uid)).revisions).toEqual([...newest(239, 100), 131, 2, 1]);
  });

  test('nor with new keys, which the owner’s vault makes by itself; all of them come with it', async () => {
    const uid = await shared();
    for (let base = 1; base < 160; base++) {
      const former = { sealedFormerKey: envelopeOf('former'), keyVersion: base + 1 };
      await write(owner, uid, base, former);
    }
    const { revisions, keys } = await kept(uid);
    expect(revisions).toEqual([...newest(159, 100), 1]);
    expect(keys).toHaveLength(159);
  });

  test('what stood when a day began stays for ninety days', async () => {
    const uid = await shared();
    for (let base = 1; base < 100; base++) await write(editor, uid, base);
    const now = Date.now();
    const today = now - (now % day);
    // Two a day, the last of them yesterday.
    await sql`UPDATE record_history SET replaced_at = ${today} + (floor(revision / 2) - 60)::bigint * ${day}
      WHERE record_uid = ${uidBytes(uid)}`.execute(open.db);
    for (let base = 100; base < 230; base++) await write(editor, uid, base);
    const firstOfDays = Array.from({ length: 49 }, (_, i) => 98 - 2 * i);
    // The hundredth stood when today began.
    expect((await kept(uid)).revisions).toEqual([...newest(229, 100), 100, ...firstOfDays, 1]);
    await sql`UPDATE record_history SET replaced_at = replaced_at - ${90 * day}::bigint
      WHERE record_uid = ${uidBytes(uid)}`.execute(open.db);
    await write(editor, uid, 230);
    expect((await kept(uid)).revisions).toEqual([...newest(230, 100), 1]);
  });

  test('its years are counted from when it was replaced, not from when it was written', async () => {
    const uid = await shared();
    await open.db
      .updateTable('record')
      .set({ changed_at: Date.now() - 1000 * day })
      .where('record_uid', '=', uidBytes(uid))
      .execute();
    await write(editor, uid, 1);
    expect((await kept(uid)).revisions).toEqual([1]);
    await sql`UPDATE record_history SET replaced_at = replaced_at - ${401 * day}::bigint
      WHERE record_uid = ${uidBytes(uid)}`.execute(open.db);
    expect((await kept(uid)).revisions).toEqual([]);
    await write(editor, uid, 2);
    expect((await kept(uid)).revisions).toEqual([2]);
  });

  test('an editor’s large revisions take bounded room, and none from the owner’s', async () => {
    const uid = await shared();
    const large = { sealedData: envelopeOf('x'.repeat(250_000)) };
    for (let base = 1; base < 12; base++) await write(owner, uid, base, large);
    await write(editor, uid, 12, large);
    await sql`INSERT INTO record_history SELECT record_uid, 1000 + n, owner_uid, sealed_data, writer_uid, signature,
        key_version, launch_hash, changed_at, deleted, file_uids, replaced_at, rekeyed
      FROM record_history former, generate_series(1, 99) n
      WHERE former.record_uid = ${uidBytes(uid)} AND former.revision = 12`.execute(open.db);
    await sql`UPDATE record_history SET writer_uid = ${uidBytes(editor.uid)}
      WHERE record_uid = ${uidBytes(uid)} AND revision > 1000`.execute(open.db);
    await sql`UPDATE record SET revision = 1100 WHERE record_uid = ${uidBytes(uid)}`.execute(open.db);
    await write(editor, uid, 1100);
    const { rows } = await sql<{ bytes: string; owners: string }>`
      SELECT sum(octet_length(sealed_data)) AS bytes,
        count(*) FILTER (WHERE writer_uid = owner_uid) AS owners
      FROM record_history WHERE record_uid = ${uidBytes(uid)}`.execute(open.db);
    expect(Number(rows[0]?.owners)).toBe(12);
    expect(Number(rows[0]?.bytes)).toBeLessThanOrEqual(32 * 1024 * 1024);
  });
});

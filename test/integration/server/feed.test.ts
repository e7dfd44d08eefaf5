import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HandClock } from '../../fakes/hand-clock.ts';
import { toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { sql } from 'kysely';
import { limits } from '../../../protocol/limits.ts';
import {
  FeedKind,
  RecordService,
  type PutRecordsRequestSchema,
} from '../../../protocol/messages/gen/record_pb.js';
import { launchRights } from '../../../protocol/sharing/rights.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { envelopeOf, uidText } from '../../fixtures/api-client.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { registerPeople, type Person } from '../../fixtures/sharing-client.ts';

const { putRecords, sync } = RecordService.method;
const { putGrants, revokeGrants } = SharingService.method;

describe('feed', () => {
  let open: OpenServer;
  const clock = new HandClock();
  beforeAll(async () => {
    clock.advance(Date.now() - clock.now());
    open = await startOpenServer({ clock });
  });
  afterAll(() => open.close());

  test('who syncs while others write and share misses nothing: two writers, a sharer, three readers', async () => {
    const [owner, editor, ...readers] = await registerPeople(open, 5);
    if (!owner || !editor) throw new Error('nobody');
    const records = await Promise.all(Array.from({ length: 12 }, (_, i) => owner.create(`record ${i}`)));
    for (const record of records) await owner.share(record, editor, { rights: { edit: true } });
    const local = readers.map((reader) => new LocalCopy(reader));
    let writing = true;
    const work = Promise.all([
      writeAll(owner, owner, records, 4),
      writeAll(editor, owner, records, 4),
      shareAndTake(owner, readers, records),
    ]).finally(() => (writing = false));
    const reading = local.map(async (copy) => {
      while (writing) await copy.pull();
      await copy.pull();
    });
    await Promise.all([work, ...reading]);
    for (const [index, reader] of readers.entries()) {
      const truth = new Map((await reader.see()).records.map((r) => [uidText(r.recordUid), r.revision]));
      expect(local[index]?.records).toEqual(truth);
      expect(truth.size).toBeGreaterThan(0);
    }
  });

  test('access ends at its moment by itself, for readers and for who shared, also over a restart', async () => {
    const [owner, reader, launcher] = await registerPeople(open, 3);
    if (!owner || !reader || !launcher) throw new Error('nobody');
    const [short, long] = [await owner.create('short'), await owner.create('long')];
    const hour = 60 * 60_000;
    await owner.share(short, reader, { expiresAtMs: clock.now() + hour });
    await owner.share(long, reader, { expiresAtMs: clock.now() + 3 * hour });
    await owner.share(long, launcher, { rights: launchRights });
    expect((await reader.sync()).records).toHaveLength(2);
    await owner.sync();
    clock.advance(hour);
    await settled(async () => expect((await reader.see()).records).toHaveLength(1));
    const removals = (await reader.sync()).removals;
    expect(removals.map(({ kind }) => kind).sort()).toEqual([FeedKind.RECORD, FeedKind.GRANTS]);
    expect(uidText(removals[0]?.objectUid ?? new Uint8Array(0))).toBe(short);
    expect((await owner.sync()).grants).toMatchObject([{ grants: [] }]);
    clock.sleep(3 * hour); // nobody is awake at the moment itself
    await open.restart();
    await settled(async () => expect((await reader.see()).records).toEqual([]));
    expect((await launcher.see()).records).toHaveLength(1);
  });

  test('grants and entries come with their record or not at all', async () => {
    const [owner, reader] = await registerPeople(open, 2);
    if (!owner || !reader) throw new Error('nobody');
    const change = await owner.change('one');
    const record = uidText(change.recordUid) as Uid;
    const good = await owner.grant(record, reader);
    const changes = [change];
    const bad = [
      { grants: [{ ...good, signature: good.signature.toReversed() }], code: 'bad-signature' },
      { grants: [await owner.grant(newUid(), reader)], code: 'malformed' },
      { grants: [good, await owner.grant(record, newUid())], code: 'not-found' },
      {
        entries: [await owner.entry({ uid: newUid(), owner: owner.uid }, { uid: record, owner: owner.uid })],
        code: 'not-found',
      },
    ];
    for (const { code, ...shares } of bad)
      await expect(put(owner, { changes, ...shares })).rejects.toMatchObject({ code });
    expect((await owner.see()).records).toEqual([]);
    await put(owner, { changes, grants: [good] });
    expect((await reader.see()).records).toHaveLength(1);
    const stale = { ...(await owner.change('stale', { recordUid: change.recordUid })), baseRevision: 7n };
    const revoked = put(owner, { changes: [stale], grants: [good] });
    await expect(revoked).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a page holds what fits, of every kind, and the pages together hold everything once', async () => {
    const [owner, member] = await registerPeople(open, 2);
    if (!owner || !member) throw new Error('nobody');
    const folder = await owner.createFolder();
    const changes = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        owner.change(`${i}`, i % 30 === 0 ? { sealedData: envelopeOf('x'.repeat(250_000)) } : {}),
      ),
    );
    for (let at = 0; at < changes.length; at += 50) await owner.client.putRecords(changes.slice(at, at + 50));
    await owner.place(
      { uid: folder, owner: owner.uid },
      changes.map(({ recordUid }) => uidText(recordUid) as Uid),
    );
    await owner.share(folder, member, { objectKind: 'folder' });
    const first = await member.client.call(sync, { cursor: 0n });
    expect(first.hasMore).toBe(true);
    const all = await member.sync();
    expect(new Set(all.records.map(({ recordUid }) => uidText(recordUid))).size).toBe(300);
    expect(all.records).toHaveLength(300);
    expect(all.entries).toHaveLength(300);
  });

  test('entries count with their records’ grants: a page fits an answer, whoever shares a folder', async () => {
    const [owner, other, member] = await registerPeople(open, 3);
    if (!owner || !other || !member) throw new Error('nobody');
    const folder = await owner.createFolder();
    const changes = await Promise.all(Array.from({ length: 60 }, (_, i) => owner.change(`${i}`)));
    await owner.client.putRecords(changes.slice(0, 30));
    await owner.client.putRecords(changes.slice(30));
    const records = changes.map(({ recordUid }) => uidText(recordUid) as Uid);
    await owner.place({ uid: folder, owner: owner.uid }, records);
    for (const record of records) await owner.share(record, other);
    // As many more as a record may have.
    await sql`INSERT INTO sharing_grant (object_kind, object_uid, grantee_kind, grantee_uid, granter_uid, rights,
        expires_at, key_version, body, signature, sealed_key, grantee_key_version)
      SELECT object_kind, object_uid, grantee_kind, substring(sha256(n::text::bytea) FROM 1 FOR 16), granter_uid, rights,
        expires_at, key_version, body, signature, sealed_key, grantee_key_version
      FROM sharing_grant, generate_series(2, ${limits.grantsPerObject}) n
      WHERE granter_uid = ${uidBytes(owner.uid)}`.execute(open.db);
    await owner.share(folder, member, { objectKind: 'folder' });
    const seen = { records: new Set<string>(), grants: 0 };
    for (let cursor = 0n, hasMore = true; hasMore;) {
      const page = await member.client.call(sync, { cursor });
      expect(toBinary(sync.output, page).length).toBeLessThan(limits.apiBody / 2);
      expect(page.cursor).toBeGreaterThan(cursor);
      for (const { recordUid } of page.records) seen.records.add(uidText(recordUid));
      seen.grants += page.grants.reduce((sum, { grants }) => sum + grants.length, 0);
      ({ cursor, hasMore } = page);
    }
    expect(seen.records.size).toBe(60);
    expect(seen.grants).toBeGreaterThan(60 * limits.grantsPerObject);
  });

  test('a page of entries that are all gone names no more objects than a page has', async () => {
    const [member] = await registerPeople(open, 1);
    if (!member) throw new Error('nobody');
    const count = limits.syncPageObjects;
    const uid = (name: string) => sql`substring(sha256((${name} || n)::bytea) FROM 1 FOR 16)`;
    await sql`INSERT INTO feed (account_uid, kind, object_uid, record_uid, cursor)
      SELECT ${uidBytes(member.uid)}, ${FeedKind.ENTRY}, ${uid('folder')}, ${uid('record')}, 100 + n
      FROM generate_series(1, ${count}::integer) n`.execute(open.db);
    const removed = { entries: 0, most: 0 };
    for (let cursor = 0n, hasMore = true; hasMore;) {
      const page = await member.client.call(sync, { cursor });
      removed.entries += page.removals.filter(({ kind }) => kind === FeedKind.ENTRY).length;
      removed.most = Math.max(removed.most, page.removals.length);
      ({ cursor, hasMore } = page);
    }
    expect(removed.entries).toBe(count);
    expect(removed.most).toBeLessThanOrEqual(limits.syncPageObjects);
  });
});

function put(owner: Person, input: MessageInitShape<typeof PutRecordsRequestSchema>) {
  return owner.client.writeNext((manifest) =>
    owner.client.call(putRecords, { ...input, manifest } as typeof input),
  );
}

/** What a device that follows the feed holds. */
class LocalCopy {
  readonly #person: Person;
  readonly records = new Map<string, bigint>();

  constructor(person: Person) {
    this.#person = person;
  }

  async pull(): Promise<void> {
    const page = await this.#person.sync();
    for (const { recordUid, revision } of page.records) this.records.set(uidText(recordUid), revision);
    for (const { kind, objectUid } of page.removals)
      if (kind === FeedKind.RECORD) this.records.delete(uidText(objectUid));
  }
}

/** Each record again and again; whoever was faster is asked which revision there is. */
async function writeAll(
  writer: Person,
  owner: Person,
  records: readonly Uid[],
  rounds: number,
): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (const record of records) {
      const known = (await writer.see()).records.find(({ recordUid }) => uidText(recordUid) === record);
      const baseRevision = known?.revision ?? 1n;
      const change = await writer.change('again', {
        recordUid: uidBytes(record),
        baseRevision,
        ownerUid: owner.uid,
      });
      const written =
        writer === owner
          ? put(owner, { changes: [change] })
          : writer.client.call(putRecords, { changes: [change] });
      await written.catch((error: unknown) => {
        if (!(error instanceof Error) || error.name !== 'conflict') throw error;
      });
    }
}

/** At the end some readers have some records, and all of them had more. */
async function shareAndTake(
  owner: Person,
  readers: readonly Person[],
  records: readonly Uid[],
): Promise<void> {
  for (let round = 0; round < 3; round++)
    for (const reader of readers) {
      const grants = await Promise.all(records.map((record) => owner.grant(record, reader)));
      await owner.client.call(putGrants, { grants });
      for (const record of records.slice(0, 6 + round))
        await owner.client.call(revokeGrants, {
          objectKind: 1,
          objectUid: uidBytes(record),
          granteeUids: [uidBytes(reader.uid)],
        });
    }
}

/** The server ends access on its own time: asked until it has. */
async function settled(check: () => Promise<void>): Promise<void> {
  await expect
    .poll(
      () =>
        check().then(
          () => true,
          () => false,
        ),
      { interval: 20 },
    )
    .toBe(true);
}

// How long recordings are kept: what administrators may set, what is held, what goes when there is no room.
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  RecordingEventKind,
  RecordingKeepingService,
  RecordingService,
  RecordingUploadService,
} from '../../../protocol/messages/gen/recording_pb.js';
import { limits } from '../../../protocol/limits.ts';
import { signKeeping, type RecordingKeeping } from '../../../protocol/signed/recording-keeping.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { recordingExpiry } from '../../../server/recordings/recording-keeping.ts';
import { makeRoom } from '../../../server/recordings/recording-room.ts';
import type { ApiClient } from '../../fixtures/api-client.ts';
import { enrolGateway, putRecord, type TestGateway } from '../../fixtures/application.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { madeRecording } from '../../fixtures/recording.ts';
import { SealedCalls } from '../../fixtures/sealed-calls.ts';
import { registerPeople, type Person } from '../../fixtures/sharing-client.ts';

const { startRecording, putRecordingChunk, finishRecording } = RecordingUploadService.method;
const { listRecordings, deleteRecording, listRecordingEvents } = RecordingService.method;
const { getRecordingKeeping, putRecordingKeeping, holdRecording, releaseRecording } =
  RecordingKeepingService.method;
const dayMs = 24 * 60 * 60_000;
const bounds = { retentionDays: 365, quota: 2 ** 30 };

describe('how recordings are kept', () => {
  let open: OpenServer;
  let admin: Person;
  let member: Person;
  let gateway: TestGateway;
  let uploads: SealedCalls;
  let recordUid: Uid;
  beforeAll(async () => void (open = await startOpenServer({}, { recordings: bounds })));
  afterAll(() => open.close());
  beforeEach(async () => {
    const [first, second] = await registerPeople(open, 2);
    if (!first || !second) return expect.unreachable();
    [admin, member] = [first, second];
    await open.db
      .updateTable('account')
      .set({ administrator: false })
      .where('account_uid', '=', uidBytes(member.uid))
      .execute();
    gateway = await enrolGateway(member.client);
    uploads = new SealedCalls(open.server.url, gateway.serverKey);
    uploads.sessionToken = gateway.clientId;
    uploads.device = gateway.device;
    recordUid = await putRecord(member.client, 'machine', [gateway.application]);
  });

  /** Of the member's machine; `daysAgo` it was closed. */
  const store = async (daysAgo = 0) => {
    const recording = await madeRecording(['$ id\r\n', 'root\r\n'], {
      ...{ gateway: gateway.device, gatewayUid: gateway.gatewayUid, recordUid },
      ...{ applicationUid: gateway.application.applicationUid, ownerUid: member.uid },
    });
    const sessionUid = uidBytes(recording.sessionUid);
    await uploads.call(startRecording, { opening: recording.opening });
    for (const chunk of recording.chunks) await uploads.call(putRecordingChunk, { chunk });
    await uploads.call(finishRecording, { sessionUid, closing: recording.closing });
    const at = Date.now() - daysAgo * dayMs;
    const times = { started_at: at, changed_at: at };
    await open.db.updateTable('recording').set(times).where('session_uid', '=', sessionUid).execute();
    return sessionUid;
  };
  const signed = async (person: ApiClient, changes: Partial<RecordingKeeping> = {}) => {
    const { organisation: signer, organisationUid } = admin.client;
    if (!signer || !organisationUid || !person) return expect.unreachable();
    return await signKeeping(signer, {
      ...{ organisationUid, revision: 1, days: 90, mostBytes: 0, removeOldest: false },
      decidedAt: Date.now(),
      ...changes,
    });
  };
  const set = async (changes: Partial<RecordingKeeping> = {}, by = admin.client) =>
    await by.call(putRecordingKeeping, { keeping: await signed(by, changes) });
  const sweep = (now = Date.now()) => recordingExpiry(bounds)(open.db, now);
  const listed = async () => (await member.client.call(listRecordings, {})).recordings;
  const eventsOf = async () => {
    const { events } = await member.client.call(listRecordingEvents, { recordUid: uidBytes(recordUid) });
    const usual = ['STARTED', 'FINISHED'];
    const kinds = events.map(({ kind }) => RecordingEventKind[kind]);
    return kinds.filter((kind) => !usual.includes(kind)).reverse();
  };

  test('without settings the server’s own time holds, and each recording says until when it is kept', async () => {
    await store(10);
    const [recording] = await listed();
    const left = Number(recording?.keptUntilMs) - Date.now();
    expect(Math.round(left / dayMs)).toBe(355);
    const view = await admin.client.call(getRecordingKeeping, {});
    expect(view).toMatchObject({ longestDays: 365, count: 1, held: 0, goingSoon: 0, fullSinceMs: 0n });
    expect(view.keeping).toHaveLength(0);
    expect(Number(view.oldestAtMs)).toBeCloseTo(Date.now() - 10 * dayMs, -5);
    expect(Number(view.usedSize)).toBeGreaterThan(4096);
  });

  test('administrators set less, signed, one after another; nobody else does, and nobody more', async () => {
    expect(await codeOf(set({}, member.client))).toBe('not-allowed');
    expect(await codeOf(member.client.call(getRecordingKeeping, {}))).toBe('not-allowed');
    expect(await codeOf(set({ days: 366 }))).toBe('limit-reached');
    expect(await codeOf(set({ revision: 2 }))).toBe('conflict');
    expect(await codeOf(set({ organisationUid: newUid() }))).toBe('bad-signature');
    await set({ days: 90 });
    expect(await codeOf(set({ days: 80 }))).toBe('conflict');
    await set({ days: 80, revision: 2 });
    const list = await member.client.call(listRecordings, {});
    expect(list.retentionDays).toBe(80);
    expect(list.keeping).toEqual((await admin.client.call(getRecordingKeeping, {})).keeping);
  });

  test('what is shortened goes a week later, said before; then with an event, and does not come back', async () => {
    const sessionUid = await store(40);
    await store(1);
    const preview = await admin.client.call(getRecordingKeeping, { previewDays: 30 });
    expect([preview.wouldGo, preview.goingSoon]).toEqual([1, 0]);
    await set({ days: 30 });
    const soon = await member.client.call(listRecordings, {});
    expect(soon.goingSoon).toBe(1);
    await sweep(Date.now() + limits.recording.goingSoonMs - 60_000);
    expect(await listed()).toHaveLength(2);
    await sweep(Date.now() + limits.recording.goingSoonMs + 60_000);
    expect((await listed()).map((one) => one.sessionUid)).not.toContainEqual(sessionUid);
    expect(await listed()).toHaveLength(1);
    expect(await eventsOf()).toEqual(['EXPIRED']);
  });

  test('a held recording stays, whoever deletes it and however old it is, until it is released', async () => {
    const sessionUid = await store(1000);
    await member.client.call(holdRecording, { sessionUid });
    await sweep();
    expect(await listed()).toMatchObject([{ holds: [{ accountUid: uidBytes(member.uid), untilMs: 0n }] }]);
    expect(await codeOf(member.client.call(deleteRecording, { sessionUid }))).toBe('held');
    await admin.client.call(holdRecording, { sessionUid, untilMs: BigInt(Date.now() + dayMs) });
    const { heldRecordings, held } = await admin.client.call(getRecordingKeeping, {});
    expect([held, heldRecordings.length]).toEqual([1, 2]);
    const accountUid = uidBytes(admin.uid);
    expect(await codeOf(member.client.call(releaseRecording, { sessionUid, accountUid }))).toBe(
      'not-allowed',
    );
    await member.client.call(releaseRecording, { sessionUid });
    expect(await codeOf(member.client.call(releaseRecording, { sessionUid }))).toBe('not-found');
    await sweep();
    expect(await listed()).toHaveLength(1);
    await sweep(Date.now() + 2 * dayMs); // the administrator's hold is over by itself
    expect(await listed()).toEqual([]);
    expect(await eventsOf()).toEqual(['HELD', 'HELD', 'RELEASED', 'RELEASED', 'EXPIRED']);
  });

  test('an administrator releases anybody’s hold; who may not fetch a recording holds none', async () => {
    const sessionUid = await store();
    await member.client.call(holdRecording, { sessionUid });
    await admin.client.call(releaseRecording, { sessionUid, accountUid: uidBytes(member.uid) });
    const [, stranger] = await registerPeople(open, 2);
    if (!stranger) return expect.unreachable();
    expect(await codeOf(stranger.client.call(holdRecording, { sessionUid }))).toBe('not-found');
    const past = { sessionUid, untilMs: BigInt(Date.now() - 1) };
    expect(await codeOf(member.client.call(holdRecording, past))).toBe('malformed');
    await member.client.call(deleteRecording, { sessionUid });
    expect(await codeOf(member.client.call(holdRecording, { sessionUid }))).toBe('not-found');
  });

  test('full, nothing more is taken unless the oldest shall go; those that are held or a week old at most stay', async () => {
    const held = await store(100);
    await member.client.call(holdRecording, { sessionUid: held });
    const old = await store(50);
    const recent = await store(3);
    const { usedSize } = await admin.client.call(getRecordingKeeping, {});
    await set({ days: 0, mostBytes: Number(usedSize) });
    expect(await codeOf(store())).toBe('limit-reached');
    await set({ revision: 2, days: 0, mostBytes: Number(usedSize), removeOldest: true });
    const newest = await store();
    const left = (await listed()).map(({ sessionUid }) => sessionUid);
    expect(left).not.toContainEqual(old);
    for (const sessionUid of [held, recent, newest]) expect(left).toContainEqual(sessionUid);
    expect(await eventsOf()).toEqual(['HELD', 'MADE_ROOM']);
    // Nothing that may go is left: nothing goes, and nothing more comes.
    expect(await codeOf(store())).toBe('limit-reached');
    expect(await listed()).toHaveLength(3);
  });

  test('who holds a recording at the moment at which it is deleted, or expires, keeps it', async () => {
    const waits = async () => {
      const { rows } = await sql`SELECT 1 FROM pg_locks WHERE NOT granted`.execute(open.db);
      return rows.length;
    };
    const sessionUid = await store(1000);
    for (const remove of [() => codeOf(member.client.call(deleteRecording, { sessionUid })), () => sweep()]) {
      const removed = await open.db.transaction().execute(async (tx) => {
        await sql`SELECT 1 FROM recording WHERE session_uid = ${sessionUid} FOR UPDATE`.execute(tx);
        const removing = remove();
        await expect.poll(waits, { timeout: 15_000 }).toBeGreaterThan(0);
        const hold = { session_uid: sessionUid, account_uid: uidBytes(member.uid), held_at: Date.now() };
        await tx.insertInto('recording_hold').values(hold).execute();
        return { removing };
      });
      expect(['held', undefined]).toContain(await removed.removing);
      expect(await listed()).toHaveLength(1);
      await open.db.deleteFrom('recording_hold').where('session_uid', '=', sessionUid).execute();
    }
  });

  test('where account and organisation have too much, the oldest go for both', async () => {
    for (const daysAgo of [60, 50, 40, 30]) await store(daysAgo);
    const [size] = (await listed()).map(
      ({ sealedSize, chunkCount }) => Number(sealedSize) + 4096 + chunkCount * 512,
    );
    if (size === undefined) return expect.unreachable();
    await set({ days: 0, mostBytes: size, removeOldest: true });
    const tight = { retentionDays: 0, quota: 3 * size };
    const gone = await open.db.transaction().execute((tx) => makeRoom(tx, tight, member.uid, Date.now()));
    expect([gone, (await listed()).length]).toEqual([4, 0]);
  });

  test('what is not closed stays a week longer: its session may go on with nothing to record', async () => {
    const sessionUid = await store(370);
    await open.db
      .updateTable('recording')
      .set({ closing: null })
      .where('session_uid', '=', sessionUid)
      .execute();
    await sweep();
    expect(await listed()).toHaveLength(1);
    await sweep(Date.now() + 3 * dayMs);
    expect(await listed()).toEqual([]);
  });
});

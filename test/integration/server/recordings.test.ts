import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clone, create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  RecordingChunkSchema,
  RecordingEventKind,
  RecordingService,
  RecordingUploadService,
  type RecordingChunk,
} from '../../../protocol/messages/gen/recording_pb.js';
import { concat } from '../../../protocol/bytes.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { RecordingVerifier } from '../../../protocol/recording/verifier.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { recordingExpiry } from '../../../server/recordings/recording-keeping.ts';
import { ApiClient } from '../../fixtures/api-client.ts';
import { enrolGateway, putRecord, type TestGateway } from '../../fixtures/application.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { madeRecording, type MadeRecording } from '../../fixtures/recording.ts';
import { SealedCalls } from '../../fixtures/sealed-calls.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import type { TestServer } from '../../fixtures/server.ts';
import { registerPeople, type Person } from '../../fixtures/sharing-client.ts';

const { startRecording, putRecordingChunk, finishRecording } = RecordingUploadService.method;
const { listRecordings, getRecording, getRecordingChunk, deleteRecording } = RecordingService.method;
const { setRecordingAuditors, listRecordingAuditors, listRecordingEvents } = RecordingService.method;
const quota = 64 * 1024;
const lines = ['$ id\r\n', 'uid=0(root)\r\n', '$ exit\r\n'];

describe('recordings', () => {
  let open: OpenServer;
  let server: TestServer;
  let count = 0;
  let owner: ApiClient;
  let gateway: TestGateway;
  let uploads: SealedCalls;
  let recordUid: Uid;
  beforeAll(async () => {
    open = await startOpenServer({}, { recordings: { retentionDays: 365, quota } });
    server = open.server;
  });
  afterAll(() => open.close());

  const newPerson = async () => {
    const client = await ApiClient.connect(server.url);
    await client.register(`recordings${count++}@example.test`, 'correct horse battery');
    return client;
  };
  const callsOf = ({ clientId, device, serverKey }: TestGateway) => {
    const calls = new SealedCalls(server.url, serverKey);
    calls.sessionToken = clientId;
    calls.device = device;
    return calls;
  };
  const made = (identity: object = {}, shown: readonly string[] = lines) =>
    madeRecording(shown, {
      ...{ gateway: gateway.device, gatewayUid: gateway.gatewayUid, recordUid },
      ...{ applicationUid: gateway.application.applicationUid, ownerUid: owner.accountUid },
      ...identity,
    });
  const put = (chunk: RecordingChunk | undefined) => uploads.call(putRecordingChunk, { chunk });
  const store = async (recording: MadeRecording) => {
    const sessionUid = uidBytes(recording.sessionUid);
    await uploads.call(startRecording, { opening: recording.opening });
    for (const chunk of recording.chunks) await put(chunk);
    await uploads.call(finishRecording, { sessionUid, closing: recording.closing });
    return sessionUid;
  };
  const eventsOf = async (client: ApiClient) => {
    const { events } = await client.call(listRecordingEvents, { recordUid: uidBytes(recordUid) });
    return events.map(({ kind, count: times }) => `${RecordingEventKind[kind]} ${times}`).reverse();
  };

  const begin = async (person: ApiClient) => {
    owner = person;
    gateway = await enrolGateway(owner);
    uploads = callsOf(gateway);
    recordUid = await putRecord(owner, 'machine', [gateway.application]);
  };
  beforeEach(async () => await begin(await newPerson()));

  test('what a gateway stored comes back whole, to the owner; each fetch is an event', async () => {
    const recording = await made();
    const sessionUid = await store(recording);
    const { recordings, ...room } = await owner.call(listRecordings, { recordUid: uidBytes(recordUid) });
    expect(recordings).toMatchObject([{ sessionUid, chunkCount: 3 }]);
    expect(room.quota).toBe(BigInt(quota));
    expect(room.usedSize).toBe((recordings[0]?.sealedSize ?? 0n) + 4096n + 3n * 512n);
    const { recording: got, headers } = await owner.call(getRecording, { sessionUid });
    expect(headers.map(({ index, startMs, sealed }) => [index, startMs, sealed.length])).toEqual([
      [0, 0, 0],
      [1, 1000, 0],
      [2, 2000, 0],
    ]);
    const verifier = new RecordingVerifier(gateway.device.publicKey);
    await verifier.take({ kind: 'opening', signed: new Uint8Array(got?.opening ?? []) });
    for (const { index } of headers) {
      const { chunk } = await owner.call(getRecordingChunk, { sessionUid, index });
      expect(await verifier.take({ kind: 'chunk', chunk: create(RecordingChunkSchema, chunk) })).toBe(true);
    }
    await verifier.take({ kind: 'closing', signed: new Uint8Array(got?.closing ?? []) });
    expect(verifier.end(true)).toEqual([]);
    expect(await eventsOf(owner)).toEqual(['STARTED 1', 'FINISHED 1', 'OPENED 1', 'FETCHED 3']);
  });

  test('each step may be said again, and changes nothing', async () => {
    const recording = await made();
    await store(recording);
    const again = { opening: recording.opening };
    expect(await uploads.call(startRecording, again)).toMatchObject({ chunkCount: 3, finished: true });
    await store(recording);
    expect(await eventsOf(owner)).toEqual(['STARTED 1', 'FINISHED 1']);
  });

  test('a chunk that was acknowledged never changes, and none is put in without following', async () => {
    const recording = await made();
    const twin = await made({ sessionUid: recording.sessionUid });
    await uploads.call(startRecording, { opening: recording.opening });
    expect(await codeOf(put(recording.chunks[1]))).toBe('conflict');
    await put(recording.chunks[0]);
    const file = join(
      server.config.dataFolder,
      'files',
      `r${Buffer.from(uidBytes(recording.sessionUid)).toString('hex')}`,
      '0',
    );
    const before = readFileSync(file);
    expect(await codeOf(put(twin.chunks[0]))).toBe('conflict');
    expect(await codeOf(put(twin.chunks[1]))).toBe('conflict');
    expect(await codeOf(uploads.call(startRecording, { opening: twin.opening }))).toBe('conflict');
    const altered = clone(RecordingChunkSchema, recording.chunks[1] ?? expect.unreachable());
    altered.sealed = altered.sealed.with(50, (altered.sealed[50] ?? 0) ^ 1);
    expect(await codeOf(put(altered))).toBe('bad-signature');
    expect(readFileSync(file).equals(before)).toBe(true);
    const sessionUid = uidBytes(recording.sessionUid);
    const early = uploads.call(finishRecording, { sessionUid, closing: recording.closing });
    expect(await codeOf(early)).toBe('conflict');
    await put(recording.chunks[1]);
    await put(recording.chunks[2]);
    await uploads.call(finishRecording, { sessionUid, closing: recording.closing });
    expect(await codeOf(uploads.call(finishRecording, { sessionUid, closing: twin.closing }))).toBe(
      'conflict',
    );
  });

  test('of two that put one chunk at once, both are answered and one is stored', async () => {
    const recording = await made();
    await uploads.call(startRecording, { opening: recording.opening });
    const [one] = recording.chunks;
    expect(await Promise.all([put(one), put(one)].map(codeOf))).toEqual(['done', 'done']);
    const sessionUid = uidBytes(recording.sessionUid);
    expect((await owner.call(getRecording, { sessionUid })).headers).toHaveLength(1);
  });

  test('another gateway, another key, and nobody at all store nothing', async () => {
    const other = await enrolGateway(owner);
    const recording = await made();
    await uploads.call(startRecording, { opening: recording.opening });
    const theirs = callsOf(other);
    expect(await codeOf(theirs.call(startRecording, { opening: recording.opening }))).toBe('not-allowed');
    expect(await codeOf(theirs.call(putRecordingChunk, { chunk: recording.chunks[0] }))).toBe('not-found');
    const foreign = await made({ ownerUid: newUid() });
    expect(await codeOf(uploads.call(startRecording, { opening: foreign.opening }))).toBe('not-allowed');
    const signer = other.device;
    expect(await codeOf(uploads.call(startRecording, { opening: recording.opening }, { signer }))).toBe(
      'bad-signature',
    );
    const sessionToken = owner.sessionToken;
    expect(await codeOf(uploads.call(startRecording, { opening: recording.opening }, { sessionToken }))).toBe(
      'not-allowed',
    );
    expect(await codeOf(owner.call(startRecording, { opening: recording.opening }))).toBe('not-allowed');
    expect(await codeOf(uploads.call(listRecordings, {}))).toBe('not-signed-in');
  });

  test('who else reads it, its owner says; who may not read the record reads no recording', async () => {
    const sessionUid = await store(await made());
    const stranger = await newPerson();
    const fetches = () =>
      Promise.all(
        [
          stranger.call(getRecording, { sessionUid }),
          stranger.call(getRecordingChunk, { sessionUid, index: 0 }),
          stranger.call(deleteRecording, { sessionUid }),
        ].map(codeOf),
      );
    const nothing = ['not-found', 'not-found', 'not-found'];
    expect(await fetches()).toEqual(nothing);
    const auditors = { recordUid: uidBytes(recordUid), accountUids: [uidBytes(stranger.accountUid)] };
    expect(await codeOf(stranger.call(setRecordingAuditors, auditors))).toBe('not-found');
    await owner.call(setRecordingAuditors, auditors);
    const named = await owner.call(listRecordingAuditors, { recordUid: uidBytes(recordUid) });
    expect(named.accountUids.map(uidOf)).toEqual([stranger.accountUid]);
    expect(await fetches()).toEqual(nothing);
    expect((await stranger.call(listRecordings, {})).recordings).toEqual([]);
    expect((await stranger.call(listRecordingEvents, {})).events).toEqual([]);
    const late = { beforeEventId: 2n ** 64n - 1n };
    expect((await stranger.call(listRecordingEvents, late)).events).toEqual([]);
    expect((await stranger.call(listRecordings, { beforeMs: 2n ** 63n - 1n })).recordings).toEqual([]);
    expect(await eventsOf(owner)).toEqual(['STARTED 1', 'FINISHED 1', 'AUDITORS_SET 1']);
  });

  test('an auditor fetches while the owner names them and they may read the record, and decides nothing', async () => {
    const [ada, ben] = await registerPeople(open, 2);
    if (!ada || !ben) return expect.unreachable();
    await begin(ada.client);
    const sessionUid = await store(await made());
    await ada.share(recordUid, ben);
    const what = () =>
      Promise.all(
        [
          ben.client.call(getRecording, { sessionUid }),
          ben.client.call(getRecordingChunk, { sessionUid, index: 0 }),
        ].map(codeOf),
      );
    const name = async (people: readonly Person[]) => {
      const accountUids = people.map(({ uid }) => uidBytes(uid));
      await owner.call(setRecordingAuditors, { recordUid: uidBytes(recordUid), accountUids });
    };
    expect(await what()).toEqual(['not-found', 'not-found']);
    await name([ben]);
    expect(await what()).toEqual(['done', 'done']);
    expect((await ben.client.call(listRecordings, {})).recordings).toMatchObject([{ sessionUid }]);
    expect(await codeOf(ben.client.call(deleteRecording, { sessionUid }))).toBe('not-allowed');
    const auditors = { recordUid: uidBytes(recordUid), accountUids: [] };
    expect(await codeOf(ben.client.call(setRecordingAuditors, auditors))).toBe('not-allowed');
    await name([]);
    expect(await what()).toEqual(['not-found', 'not-found']);
    await name([ben]);
    await ada.unshare('record', recordUid, ben.uid);
    expect(await what()).toEqual(['not-found', 'not-found']);
  });

  test('a deleted recording goes with its chunks, and the event stays', async () => {
    const sessionUid = await store(await made());
    const folder = `r${Buffer.from(sessionUid).toString('hex')}`;
    const onDisk = () => readdirSync(join(server.config.dataFolder, 'files')).includes(folder);
    expect(onDisk()).toBe(true);
    await owner.call(deleteRecording, { sessionUid });
    expect(await codeOf(owner.call(getRecording, { sessionUid }))).toBe('not-found');
    await expect.poll(onDisk).toBe(false);
    expect(await eventsOf(owner)).toEqual(['STARTED 1', 'FINISHED 1', 'DELETED 1']);
  });

  test.each(['deleted', 'expired'])(
    'a recording that was %s does not come back by what its gateway has',
    async (how) => {
      const recording = await made();
      const sessionUid = uidBytes(recording.sessionUid);
      await uploads.call(startRecording, { opening: recording.opening });
      await put(recording.chunks[0]);
      if (how === 'deleted') await owner.call(deleteRecording, { sessionUid });
      else await recordingExpiry({ retentionDays: 1 })(open.db, Date.now() + 9 * 24 * 60 * 60_000);
      await open.db.deleteFrom('chunk_removal').execute(); // its chunks are gone as well
      expect(await codeOf(uploads.call(startRecording, { opening: recording.opening }))).toBe('not-found');
      expect(await codeOf(put(recording.chunks[1]))).toBe('not-found');
      expect(await codeOf(uploads.call(finishRecording, { sessionUid, closing: recording.closing }))).toBe(
        'not-found',
      );
      const twin = await made({ sessionUid: recording.sessionUid });
      expect(await codeOf(uploads.call(startRecording, { opening: twin.opening }))).toBe('not-found');
      expect((await owner.call(listRecordings, {})).recordings).toEqual([]);
      expect(await eventsOf(owner)).toEqual(['STARTED 1', `${how.toUpperCase()} 1`]);
    },
  );

  test('over the quota nothing more is stored, however little it is', async () => {
    const startOne = async () => codeOf(uploads.call(startRecording, { opening: (await made()).opening }));
    for (let stored = 0; stored < quota / 4096; stored++) expect(await startOne()).toBe('done');
    expect(await startOne()).toBe('limit-reached');
    expect((await owner.call(listRecordings, {})).recordings).toHaveLength(quota / 4096);
  });

  test('nor are more or larger chunks than there is room for', async () => {
    const recording = await made(
      {},
      Array.from({ length: 120 }, () => 'x'),
    );
    await uploads.call(startRecording, { opening: recording.opening });
    const codes: string[] = [];
    for (const chunk of recording.chunks) codes.push(await codeOf(put(chunk)));
    const refused = codes.indexOf('limit-reached');
    expect(refused).toBeGreaterThan(50);
    expect(refused).toBeLessThan((quota - 4096) / 512);
  });

  test('what means nothing in a message is not stored', async () => {
    const recording = await made();
    const sessionUid = uidBytes(recording.sessionUid);
    const padded = (bytes: Uint8Array, size: number) =>
      concat(bytes, Uint8Array.of(0x7a, 0x80 | (size & 127), size >> 7), new Uint8Array(size));
    const opened = (size: number) =>
      codeOf(uploads.call(startRecording, { opening: padded(recording.opening, size) }));
    expect([await opened(128), await opened(3072)]).toEqual(['malformed', 'too-large']);
    await uploads.call(startRecording, { opening: recording.opening });
    for (const chunk of recording.chunks) {
      const encoded = padded(encodeMessage(RecordingChunkSchema, chunk), 8192);
      await put(decodeMessage(RecordingChunkSchema, encoded));
    }
    const closed = (size: number) =>
      codeOf(uploads.call(finishRecording, { sessionUid, closing: padded(recording.closing, size) }));
    expect([await closed(128), await closed(3072)]).toEqual(['malformed', 'too-large']);
    const rows = open.db.selectFrom('recording_chunk').select('header').where('session_uid', '=', sessionUid);
    const headers = (await rows.execute()).map(({ header }) => header.length);
    expect(headers).toHaveLength(3);
    expect(Math.max(...headers)).toBeLessThan(256);
  });

  test('who opens a recording again and again leaves one event an hour, with their number', async () => {
    const sessionUid = await store(await made());
    for (let times = 0; times < 3; times++) await owner.call(getRecording, { sessionUid });
    await owner.call(getRecording, { sessionUid, from: 1 });
    expect(await eventsOf(owner)).toEqual(['STARTED 1', 'FINISHED 1', 'OPENED 3']);
    const other = await store(await made());
    await owner.call(getRecording, { sessionUid: other, from: 1 }); // nobody reads unseen
    expect((await eventsOf(owner)).at(-1)).toBe('OPENED 1');
  });

  test('pages lose none of what began in one moment', async () => {
    const { opening, sessionUid } = await made();
    await uploads.call(startRecording, { opening });
    const [row] = await open.db
      .selectFrom('recording')
      .selectAll()
      .where('session_uid', '=', uidBytes(sessionUid))
      .execute();
    if (!row) return expect.unreachable();
    const more = Array.from({ length: 149 }, () => ({ ...row, session_uid: uidBytes(newUid()) }));
    await open.db.insertInto('recording').values(more).execute();
    const first = await owner.call(listRecordings, {});
    const last = first.recordings.at(-1);
    const second = await owner.call(listRecordings, {
      beforeMs: last?.startedAtMs ?? 0n,
      beforeSessionUid: last?.sessionUid ?? new Uint8Array(0),
    });
    expect([first.more, second.more]).toEqual([true, false]);
    const seen = [...first.recordings, ...second.recordings].map((recording) => uidOf(recording.sessionUid));
    expect([seen.length, new Set(seen).size]).toEqual([150, 150]);
    const before = await owner.call(listRecordings, { beforeMs: last?.startedAtMs ?? 0n });
    expect(before.recordings).toEqual([]);
  });
});

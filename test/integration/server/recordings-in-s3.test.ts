// Recordings whose chunks are in an S3-compatible service: stored, read and removed there.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import S3rver from 's3rver';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  RecordingChunkSchema,
  RecordingService,
  RecordingUploadService,
} from '../../../protocol/messages/gen/recording_pb.js';
import { RecordingVerifier } from '../../../protocol/recording/verifier.ts';
import { uidBytes } from '../../../protocol/uid.ts';
import { ApiClient } from '../../fixtures/api-client.ts';
import { enrolGateway, putRecord } from '../../fixtures/application.ts';
import { madeRecording, type MadeRecording } from '../../fixtures/recording.ts';
import { SealedCalls } from '../../fixtures/sealed-calls.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const { startRecording, putRecordingChunk, finishRecording } = RecordingUploadService.method;
const { getRecording, getRecordingChunk, deleteRecording } = RecordingService.method;
const folder = mkdtempSync(join(tmpdir(), 'sallyport-s3-recordings-'));
const s3 = new S3rver({
  ...{ address: '127.0.0.1', port: 0, silent: true, directory: folder },
  configureBuckets: [{ name: 'recordings', configs: [] }],
});
let server: TestServer;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  const { port } = await s3.run();
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
  const store = { bucket: `http://127.0.0.1:${port}/recordings`, region: 'us-east-1', ...credentials };
  server = await startTestServer({ files: { store, largest: 2 ** 31, quota: 2 ** 32 } });
});
afterAll(async () => {
  await server?.close();
  await s3.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Files of the service that hold what was put there under the recording's name. */
function objectsOf({ sessionUid }: MadeRecording): string[] {
  const name = `r${Buffer.from(uidBytes(sessionUid)).toString('hex')}`;
  const all = readdirSync(join(folder, 'recordings'), { recursive: true }).map(String);
  return all.filter((path) => path.includes(name) && path.endsWith('_object'));
}

async function recorded() {
  const owner = await ApiClient.connect(server.url);
  await owner.register('s3@example.test', 'correct horse battery');
  const { clientId, device, serverKey, gatewayUid, application } = await enrolGateway(owner);
  const recordUid = await putRecord(owner, 'machine', [application]);
  const uploads = new SealedCalls(server.url, serverKey);
  uploads.sessionToken = clientId;
  uploads.device = device;
  const { applicationUid } = application;
  const identity = { gateway: device, gatewayUid, recordUid, applicationUid, ownerUid: owner.accountUid };
  const recording = await madeRecording(['$ id\r\n', 'uid=0(root)\r\n', '$ exit\r\n'], identity);
  return { owner, uploads, recording };
}

test('a recording is stored there, read whole after a restart, and gone from there when it is deleted', async () => {
  const { owner, uploads, recording } = await recorded();
  const sessionUid = uidBytes(recording.sessionUid);
  await uploads.call(startRecording, { opening: recording.opening });
  for (const chunk of recording.chunks) await uploads.call(putRecordingChunk, { chunk });
  await uploads.call(finishRecording, { sessionUid, closing: recording.closing });
  expect(objectsOf(recording)).toHaveLength(3);
  server = await server.restart();
  const verifier = new RecordingVerifier(recording.gateway.publicKey);
  await verifier.take({ kind: 'opening', signed: recording.opening });
  const { headers, recording: stored } = await owner.call(getRecording, { sessionUid });
  for (const { index } of headers) {
    const { chunk } = await owner.call(getRecordingChunk, { sessionUid, index });
    expect(await verifier.take({ kind: 'chunk', chunk: create(RecordingChunkSchema, chunk) })).toBe(true);
  }
  await verifier.take({ kind: 'closing', signed: Uint8Array.from(stored?.closing ?? []) });
  expect([verifier.chunks, verifier.end(true)]).toEqual([3, []]);
  await owner.call(deleteRecording, { sessionUid });
  await expect.poll(() => objectsOf(recording), { timeout: 20_000 }).toEqual([]);
});

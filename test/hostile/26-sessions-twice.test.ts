// Attack class 26: a client that was changed gives two sessions one UID, so that the recording of one is lost.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Logger } from '../../gateway/log/logger.ts';
import { Recordings } from '../../gateway/recording/recordings.ts';
import type { ServerCalls } from '../../gateway/router/server-calls.ts';
import { encodeHex } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import {
  RecordingService,
  SignedRecordingStatementSchema,
} from '../../protocol/messages/gen/recording_pb.js';
import { unwrapRecordingKey } from '../../protocol/recording/recording-key.ts';
import { parseClosing, verifyOpening } from '../../protocol/signed/recording.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { newUid, uidBytes } from '../../protocol/uid.ts';
import { ApiClient } from '../fixtures/api-client.ts';
import { enrolGateway, putRecord } from '../fixtures/application.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';
import { SealedCalls } from '../fixtures/sealed-calls.ts';

const settings = {
  ...{ graphical: false, guacdPicture: false, text: true, keys: false },
  ...{ clipboard: false, required: true },
};
let folder: string;
let open: OpenServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-twice-'));
  open = await startOpenServer({});
});
afterAll(async () => {
  await open.close();
  rmSync(folder, { recursive: true });
});

test('one session UID twice, at once and again later: every recording arrives whole', async () => {
  const owner = await ApiClient.connect(open.server.url);
  await owner.register('twice@example.test', 'correct horse battery');
  const gateway = await enrolGateway(owner);
  const recordUid = await putRecord(owner, 'machine', [gateway.application]);
  const sealed = new SealedCalls(open.server.url, gateway.serverKey);
  [sealed.sessionToken, sealed.device] = [gateway.clientId, gateway.device];
  const call: ServerCalls['call'] = (method, input) => sealed.call(method, input);
  const recordings = new Recordings({
    ...{ device: gateway.device, applicationUid: gateway.application.applicationUid },
    ...{ calls: { call }, spool: { folder, mostBytes: 2 ** 30 }, log: new Logger('silent') },
  });
  const resourceKey = await SymmetricKey.import(randomBytes(32));
  const scope = { sessionUid: newUid(), recordUid, gatewayUid: gateway.gatewayUid };
  const of = { accountUid: owner.accountUid, ownerUid: owner.accountUid, keyVersion: 1, protocol: 'ssh' };
  const begin = () => recordings.begin({ scope, settings, resourceKey, ...of }, () => expect.unreachable());

  const [first, second] = [await begin(), await begin()];
  for (const recorder of [first, second]) recorder.shell?.output(Buffer.from('rm -rf /srv\r\n'));
  for (const recorder of [first, second]) await recordings.end(recorder, 'closed');
  await expect.poll(() => readdirSync(folder)).toEqual([]);
  const third = await begin();
  third.shell?.output(Buffer.from('ls\r\n')); // one of nothing is not kept
  await recordings.end(third, 'closed');
  await expect.poll(() => readdirSync(folder)).toEqual([]);
  await recordings.close();

  const stored = await owner.call(RecordingService.method.listRecordings, { recordUid: uidBytes(recordUid) });
  expect(new Set(stored.recordings.map(({ sessionUid }) => encodeHex(sessionUid))).size).toBe(3);
  for (const { opening, closing, chunkCount } of stored.recordings) {
    const end = parseClosing(decodeMessage(SignedRecordingStatementSchema, closing).statement);
    expect(end).toMatchObject({ reason: 'closed', chunkCount });
    expect(await unwrapRecordingKey(resourceKey, await verifyOpening(opening))).toHaveLength(32);
  }
});

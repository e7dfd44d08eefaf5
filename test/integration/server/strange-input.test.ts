// Every method of the API with one strange thing in it at a time, over HTTP: each answer is a refusal of ours or a
// success, never a failure of the server.
import { ScalarType, type DescField, type DescMessage, type DescMethod } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { isErrorCode } from '../../../protocol/errors.ts';
import { AccountService } from '../../../protocol/messages/gen/account_pb.js';
import { ApplicationService } from '../../../protocol/messages/gen/application_pb.js';
import { DeviceService } from '../../../protocol/messages/gen/device_pb.js';
import { PasskeyService, SecondFactorService } from '../../../protocol/messages/gen/factor_pb.js';
import { FileService } from '../../../protocol/messages/gen/file_pb.js';
import { HeldIndexService } from '../../../protocol/messages/gen/held-index_pb.js';
import { KeyRotationService } from '../../../protocol/messages/gen/key-rotation_pb.js';
import { OrganisationService } from '../../../protocol/messages/gen/organisation_pb.js';
import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { RecoveryService } from '../../../protocol/messages/gen/recovery_pb.js';
import { ShareLinkService } from '../../../protocol/messages/gen/share-link_pb.js';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';

import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const services = [
  ...[AccountService, ApplicationService, DeviceService, SecondFactorService, FileService, HeldIndexService],
  ...[KeyRotationService, OrganisationService, RecordService, RecoveryService, ShareLinkService],
  ...[SharingService, PasskeyService],
];

const numbers = [0n, 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n];
const strange = {
  uint64: [...numbers, 2n ** 63n, 2n ** 64n - 1n],
  int64: [...numbers, -1n, -(2n ** 63n)],
  uint32: [0, 2 ** 31, 2 ** 32 - 1],
  string: ['', '\0', 'a\0@example.test', '\u202e', 'x'.repeat(20_000), '{"', 'ＡＢＣ@example.test'],
  bytes: [0, 1, 15, 17, 64, 65, 5_000].map((length) => new Uint8Array(length).fill(4)),
};
const lengths: Readonly<Record<string, number>> = {
  ...{ signature: 64, deviceProof: 64, clientId: 64, encryptedAppKey: 60, data: 400, wrappedKey: 60 },
};
type Message = Record<string, unknown>;

describe('strange input', () => {
  let server: TestServer;
  let client: ApiClient;
  let recordUid: Uint8Array;
  beforeAll(async () => {
    server = await startTestServer();
    await renew();
  });
  afterAll(() => server.close());

  async function renew(): Promise<void> {
    client = await ApiClient.connect(server.url);
    await client.register(`${newUid()}@example.test`, 'correct horse battery');
    recordUid = uidBytes(newUid());
    await client.putRecords([{ recordUid, sealedKey: envelopeOf('key'), sealedData: envelopeOf('data') }]);
    const application = { applicationUid: recordUid, appData: randomBytes(100) };
    await client.call(ApplicationService.method.createApplication, application);
  }

  const scalar = (type: ScalarType, name: string): unknown => {
    if (type === ScalarType.BOOL) return false;
    if (type === ScalarType.UINT32 || type === ScalarType.INT32) return 1;
    if (type === ScalarType.UINT64) return 1n;
    if (type === ScalarType.INT64) return BigInt(Date.now() + 60_000);
    if (type === ScalarType.STRING) return name === 'email' ? 'somebody@example.test' : 'text';
    if (name.endsWith('Uid') || name.endsWith('Uids')) return recordUid;
    if (name.startsWith('sealed')) return envelopeOf('sealed');
    if (name.endsWith('PublicKey') || name === 'temporaryKey') return client.device.publicKey;
    return randomBytes(lengths[name] ?? 32);
  };
  const sound = (desc: DescMessage, depth = 0): Message =>
    Object.fromEntries(desc.fields.map((field) => [field.localName, soundField(field, depth)]));
  const soundField = (field: DescField, depth: number): unknown => {
    if (field.fieldKind === 'enum') return Math.max(...field.enum.values.map(({ number }) => number));
    if (field.fieldKind === 'message') return depth < 3 ? sound(field.message, depth + 1) : undefined;
    if (field.fieldKind === 'scalar') return scalar(field.scalar, field.localName);
    if (field.fieldKind !== 'list') return 1;
    if (field.listKind === 'message') return depth < 3 ? [sound(field.message, depth + 1)] : [];
    return field.listKind === 'scalar' ? [scalar(field.scalar, field.localName)] : [1];
  };

  /** The sound message with one field, at any depth, made strange. */
  function* odd(desc: DescMessage, depth = 0): Generator<Message> {
    for (const field of desc.fields)
      for (const value of oddField(field, depth)) yield { ...sound(desc, depth), [field.localName]: value };
  }
  function* oddField(field: DescField, depth: number): Generator<unknown> {
    if (field.fieldKind === 'message') {
      yield undefined;
      if (depth < 3) yield* odd(field.message, depth + 1);
    } else if (field.fieldKind === 'scalar') yield* oddScalar(field.scalar);
    else if (field.fieldKind === 'enum') yield* [0, 99];
    else if (field.fieldKind === 'list') yield* oddList(field, depth);
  }
  function* oddScalar(type: ScalarType): Generator<unknown> {
    if (type === ScalarType.BOOL) yield true;
    else if (type === ScalarType.UINT64) yield* strange.uint64;
    else if (type === ScalarType.INT64) yield* strange.int64;
    else if (type === ScalarType.STRING) yield* strange.string;
    else if (type === ScalarType.BYTES) yield* strange.bytes;
    else yield* strange.uint32;
  }
  function* oddList(field: DescField & { fieldKind: 'list' }, depth: number): Generator<unknown> {
    yield [];
    const one = soundField(field, depth) as unknown[];
    yield Array.from({ length: 1_001 }, () => one[0]).filter((value) => value !== undefined);
    if (field.listKind === 'message' && depth < 3)
      for (const value of odd(field.message, depth + 1)) yield [value];
    if (field.listKind === 'scalar') for (const value of oddScalar(field.scalar)) yield [value];
  }

  const methods = services.flatMap((service) =>
    service.methods.map((method) => [`${service.name}/${method.name}`, method] as const),
  );

  test.each(methods)('%s', async (_name, method: DescMethod) => {
    const failed: string[] = [];
    for (const input of [sound(method.input), ...odd(method.input)]) {
      const code = await codeOf(client.call(method, input));
      if (code === 'not-signed-in') await renew();
      if (!isAnswer(code)) failed.push(`${code}: ${describeInput(input)}`);
    }
    expect(failed).toEqual([]);
  });
});

/** A success or a refusal of ours: no failure of the server, and none of the client. */
const isAnswer = (code: string) =>
  code === 'done' || (isErrorCode(code) && code !== 'internal' && code !== 'unavailable');

const describeInput = (input: Message) =>
  JSON.stringify(input, (_, value: unknown) =>
    typeof value === 'bigint'
      ? `${value}n`
      : value instanceof Uint8Array
        ? `bytes(${value.length})`
        : typeof value === 'string'
          ? value.slice(0, 24)
          : value,
  ).slice(0, 600);

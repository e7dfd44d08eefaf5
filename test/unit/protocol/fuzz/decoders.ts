import { create, type DescMessage } from '@bufbuild/protobuf';
import {
  copy,
  decodeBase64,
  encodeBase64url,
  parseBase64url,
  parseHex,
  parseUtf8,
  utf8,
  type Bytes,
} from '../../../../protocol/bytes.ts';
import { decodeFrame } from '../../../../protocol/channel/frame.ts';
import { checkPublicKey, generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { verifySignature, verifySignatureAside } from '../../../../protocol/crypto/ecdsa.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../../../protocol/crypto/ecies.ts';
import { openEnvelope, sealEnvelope } from '../../../../protocol/crypto/envelope.ts';
import { signatureContexts } from '../../../../protocol/crypto/labels.ts';
import { pad, unpad } from '../../../../protocol/crypto/padding.ts';
import { SymmetricKey } from '../../../../protocol/crypto/symmetric-key.ts';
import { InstructionDecoder } from '../../../../protocol/guacamole/decoder.ts';
import { decodeSmallPng } from '../../../../protocol/guacamole/small-png.ts';
import { limits } from '../../../../protocol/limits.ts';
import { decodeMessage } from '../../../../protocol/messages/decode.ts';
import * as account from '../../../../protocol/messages/gen/account_pb.js';
import * as api from '../../../../protocol/messages/gen/api_pb.js';
import * as application from '../../../../protocol/messages/gen/application_pb.js';
import * as command from '../../../../protocol/messages/gen/command_pb.js';
import * as device from '../../../../protocol/messages/gen/device_pb.js';
import * as factor from '../../../../protocol/messages/gen/factor_pb.js';
import * as file from '../../../../protocol/messages/gen/file_pb.js';
import * as heldIndex from '../../../../protocol/messages/gen/held-index_pb.js';
import * as keyRotation from '../../../../protocol/messages/gen/key-rotation_pb.js';
import * as link from '../../../../protocol/messages/gen/link_pb.js';
import * as local from '../../../../protocol/messages/gen/local_pb.js';
import * as manifest from '../../../../protocol/messages/gen/manifest_pb.js';
import * as organisation from '../../../../protocol/messages/gen/organisation_pb.js';
import * as record from '../../../../protocol/messages/gen/record_pb.js';
import * as recovery from '../../../../protocol/messages/gen/recovery_pb.js';
import * as session from '../../../../protocol/messages/gen/session_pb.js';
import * as shareLink from '../../../../protocol/messages/gen/share-link_pb.js';
import * as sharing from '../../../../protocol/messages/gen/sharing_pb.js';
import * as webauthn from '../../../../protocol/messages/gen/webauthn_pb.js';
import { parseContent } from '../../../../protocol/records/content.ts';
import { encodeTemplates, parseTemplates } from '../../../../protocol/records/custom-templates.ts';
import { parseFieldValue } from '../../../../protocol/records/field-values.ts';
import { parseFileRef } from '../../../../protocol/records/files.ts';
import { parseOneTimeSecret } from '../../../../protocol/records/one-time-secret.ts';
import {
  readHostname,
  readPamResources,
  readPamSettings,
} from '../../../../protocol/records/pam-settings.ts';
import { parseErrorBody } from '../../../../protocol/secrets-manager/error-body.ts';
import { openLegacyCbc, openLegacyEcies } from '../../../../protocol/secrets-manager/legacy-crypto.ts';
import { parseAnyBase64 } from '../../../../protocol/secrets-manager/members.ts';
import * as payloads from '../../../../protocol/secrets-manager/requests.ts';
import { parseSecretsResponse } from '../../../../protocol/secrets-manager/responses.ts';
import { openApplicationCopy, parseApplicationCopy } from '../../../../protocol/session/application-copy.ts';
import { parseIceUrl } from '../../../../protocol/channel/ice-servers.ts';
import { parseEnrolmentToken } from '../../../../protocol/session/enrolment-token.ts';
import { SessionKeys } from '../../../../protocol/session/session-keys.ts';
import { verifyAccountCertificate } from '../../../../protocol/signed/account-certificate.ts';
import { parseCommand, verifyCommand, verifyReply } from '../../../../protocol/signed/command.ts';
import { parseSuccession } from '../../../../protocol/signed/key-succession.ts';
import { verifyRoster } from '../../../../protocol/signed/roster.ts';
import { acceptLink, openLink } from '../../../../protocol/transmission/link-channel.ts';
import { openRequest } from '../../../../protocol/transmission/request.ts';
import { verifyServerKeys } from '../../../../protocol/transmission/server-keys.ts';
import { newUid, parseUid, uidOf } from '../../../../protocol/uid.ts';
import { openRecord } from '../../../../protocol/vault/record-seal.ts';
import { parseShareLink } from '../../../../protocol/vault/share-link.ts';
import commands from '../../../vectors/commands.json' with { type: 'json' };
import certificates from '../../../vectors/certificates.json' with { type: 'json' };
import keySuccessions from '../../../vectors/key-successions.json' with { type: 'json' };
import frames from '../../../vectors/frames.json' with { type: 'json' };
import guacamole from '../../../vectors/guacamole.json' with { type: 'json' };
import replies from '../../../vectors/replies.json' with { type: 'json' };
import requests from '../../../vectors/requests.json' with { type: 'json' };
import rosters from '../../../vectors/rosters.json' with { type: 'json' };
import secretsManagerEcies from '../../../vectors/secrets-manager-ecies.json' with { type: 'json' };
import secretsManagerPayloads from '../../../vectors/secrets-manager-payloads.json' with { type: 'json' };
import serverKeySets from '../../../vectors/server-keys.json' with { type: 'json' };
import tokens from '../../../vectors/enrolment-tokens.json' with { type: 'json' };

/** A decoder and valid inputs for it. It may return or throw a ProtocolError, and nothing else. */
export interface Decoder<T> {
  readonly name: string;
  readonly valid: readonly T[];
  readonly decode: (input: T) => unknown;
  /** Fewer runs for the slow ones. */
  readonly cost?: number;
}

type Cases = { readonly cases: readonly object[] };
const member = (file: Cases, name: string) =>
  file.cases
    .filter((vector) => !('fails' in vector))
    .map((vector) => (vector as Record<string, string>)[name] ?? '');
const hexMember = (file: Cases, name: string) => member(file, name).map(parseHex);

const key = await SymmetricKey.import(new Uint8Array(32).fill(1));
const raw: Bytes = new Uint8Array(32).fill(2);
const pair = generateEcdhKeyPair();
const serverKeys = [{ id: 21, ...pair }];
const uid = newUid();
const scope = { sessionUid: uid, recordUid: uid, gatewayUid: uid };
const envelope = await sealEnvelope(
  key,
  'record-data',
  [],
  pad(utf8('{"type":"t","title":"t","fields":[]}')),
);
const vaultKeys = await SessionKeys.derive('vault', scope, raw, raw.slice(0, 16));
const signal = await vaultKeys.sealSignal({ case: 'candidate', value: { candidate: 'c', mid: '0' } });
const ecies = await sealToPublicKey(pair.publicKey, 'p', [], utf8('x'));
const opening = (await openLink({ id: 21, publicKey: pair.publicKey })).opening;
const empty: Bytes = new Uint8Array(0);

const modules = [
  account,
  api,
  application,
  command,
  device,
  factor,
  heldIndex,
  keyRotation,
  link,
  local,
  manifest,
  organisation,
];
const schemas = [...modules, record, recovery, session, sharing, file, shareLink, webauthn].flatMap(
  (module) =>
    Object.values(module).filter(
      (value): value is DescMessage =>
        typeof value === 'object' && 'kind' in value && value.kind === 'message',
    ),
);

/** Two by two pixels: of a palette, and of RGB with two filters. */
const smallPngs = [
  '89504e470d0a1a0a0000000d494844520000000200000002010300000048789f6700000006504c544500ff000000ff420191ce0000000c4944415478da63686070000001c400c1a69be6ba0000000049454e44ae426082',
  '89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a73000000124944415478da63e41291636060606104030003090048802947c90000000049454e44ae426082',
].map(parseHex);

export const byteDecoders: readonly Decoder<Uint8Array>[] = [
  { name: 'utf-8', valid: [utf8('äöü🔑')], decode: parseUtf8 },
  { name: 'uid bytes', valid: [new Uint8Array(16)], decode: uidOf },
  { name: 'padding', valid: [pad(utf8('x')), pad(new Uint8Array(300))], decode: unpad },
  { name: 'small PNG', valid: smallPngs, decode: decodeSmallPng },
  { name: 'public key', valid: [pair.publicKey], decode: checkPublicKey },
  { name: 'envelope', valid: [envelope], decode: (bytes) => openEnvelope(key, 'record-data', [], bytes) },
  { name: 'ecies', valid: [ecies], decode: (bytes) => openWithPrivateKey(pair, 'p', [], bytes), cost: 5 },
  {
    name: 'signature',
    valid: [new Uint8Array(64).fill(1)],
    decode: (bytes) => verifySignature(pair.publicKey, signatureContexts.command, empty, bytes),
    cost: 5,
  },
  {
    name: 'signature, by the platform',
    valid: [new Uint8Array(64).fill(1)],
    decode: (bytes) => verifySignatureAside(pair.publicKey, signatureContexts.command, empty, bytes),
    cost: 5,
  },
  {
    name: 'signature with a hostile key, by the platform',
    valid: [pair.publicKey],
    decode: (bytes) =>
      verifySignatureAside(bytes, signatureContexts.command, empty, new Uint8Array(64).fill(1)),
    cost: 5,
  },
  {
    name: 'signature with a hostile key',
    valid: [pair.publicKey],
    decode: (bytes) => verifySignature(bytes, signatureContexts.command, empty, new Uint8Array(64).fill(1)),
    cost: 5,
  },
  { name: 'frame', valid: hexMember(frames, 'message'), decode: decodeFrame },
  { name: 'guacamole stream', valid: hexMember(guacamole, 'stream'), decode: decodeGuacamole },
  ...schemas.map((schema) => ({
    name: `message ${schema.name}`,
    valid: [utf8('\n\u0003abc\u0012\u0002xy\u0018\u0007')],
    decode: (bytes: Uint8Array) => decodeMessage(schema, bytes),
  })),
  {
    name: 'api request',
    valid: hexMember(requests, 'body'),
    decode: (bytes) => openRequest(serverKeys, 'RecordService/Sync', bytes),
    cost: 5,
  },
  { name: 'link opening', valid: [opening], decode: (bytes) => acceptLink(serverKeys, bytes), cost: 5 },
  {
    name: 'link frame',
    valid: [new Uint8Array(40)],
    decode: async (bytes) => (await acceptLink(serverKeys, opening)).open(bytes),
    cost: 10,
  },
  {
    name: 'server keys',
    valid: hexMember(serverKeySets, 'serverKeys'),
    decode: (bytes) => verifyServerKeys(bytes, null),
    cost: 5,
  },
  {
    name: 'account certificate',
    valid: hexMember(certificates, 'body'),
    decode: (body) =>
      verifyAccountCertificate(create(account.AccountCertificateSchema, { body, signature: raw })),
    cost: 5,
  },
  {
    name: 'key succession',
    valid: hexMember(keySuccessions, 'body'),
    decode: (body) => parseSuccession({ body }),
    cost: 5,
  },
  {
    name: 'roster',
    valid: hexMember(rosters, 'roster'),
    decode: (roster) =>
      verifyRoster(create(account.SignedRosterSchema, { roster, signature: raw }), {
        organisationUid: uid,
        organisationKey: pair.publicKey,
        minimumVersion: 1n,
      }),
    cost: 5,
  },
  {
    name: 'command',
    valid: hexMember(commands, 'command'),
    decode: (bytes) => parseCommand(create(command.SignedCommandSchema, { command: bytes })),
  },
  {
    name: 'signed command',
    valid: hexMember(commands, 'command'),
    decode: (bytes) =>
      verifyCommand(pair.publicKey, create(command.SignedCommandSchema, { command: bytes }), 0),
  },
  {
    name: 'signed reply',
    valid: hexMember(replies, 'signedReply'),
    decode: (bytes) => verifyReply(pair.publicKey, empty, bytes),
    cost: 5,
  },
  {
    name: 'session signal',
    valid: [signal],
    decode: async (bytes) =>
      (await SessionKeys.derive('gateway', scope, copy(raw), raw.slice(0, 16))).openSignal(bytes),
    cost: 2,
  },
  {
    name: 'record',
    valid: [envelope],
    decode: (bytes) => openRecord(raw, { recordUid: uid, ownerUid: uid }, 1n, bytes),
  },
  { name: 'application copy', valid: [envelope], decode: (bytes) => openApplicationCopy(raw, bytes) },
  {
    name: 'secrets-manager ecies',
    valid: hexMember(secretsManagerEcies, 'sealed'),
    decode: (bytes) => openLegacyEcies(raw, bytes),
    cost: 5,
  },
  { name: 'secrets-manager cbc', valid: [new Uint8Array(48)], decode: (bytes) => openLegacyCbc(raw, bytes) },
  { name: 'secrets-manager error', valid: [utf8('{"error":"key","key_id":7}')], decode: parseErrorBody },
];

function decodeGuacamole(bytes: Uint8Array): void {
  const decoder = new InstructionDecoder(limits.guacamole.toGuacd);
  for (const { args } of decoder.decode(bytes.subarray(0, bytes.length / 2))) void args.length;
  decoder.decode(bytes.subarray(bytes.length / 2));
  decoder.end();
}

export const textDecoders: readonly Decoder<string>[] = [
  { name: 'base64url', valid: ['AQIDBA', '_-8'], decode: parseBase64url },
  { name: 'base64', valid: ['AQIDBA==', '/+8='], decode: decodeBase64 },
  { name: 'any base64', valid: ['AQIDBA==', '_-8'], decode: parseAnyBase64 },
  { name: 'hexadecimal', valid: ['0123456789abcdef'], decode: parseHex },
  { name: 'uid', valid: [uid], decode: parseUid },
  {
    name: 'relay address',
    valid: ['turn:relay.example:3478?transport=tcp', 'turns:[2001:db8::1]'],
    decode: parseIceUrl,
  },
  { name: 'share link', valid: [`${uid}${'A'.repeat(42)}`], decode: parseShareLink },
  { name: 'enrolment token', valid: member(tokens, 'text'), decode: parseEnrolmentToken },
  {
    name: 'custom record types',
    valid: [encodeTemplates([{ type: 'custom:a', title: 'A', fields: [{ type: 'text', title: 'T' }] }])],
    decode: parseTemplates,
  },
  {
    name: 'one-time secret',
    valid: ['JBSWY3DPEHPK3PXP', 'otpauth://totp/a:b?secret=MY&digits=6&period=30&algorithm=SHA1'],
    decode: parseOneTimeSecret,
  },
  { name: 'record content', valid: ['{"type":"t","title":"t","fields":[]}'], decode: parseContent },
  {
    name: 'application copy text',
    valid: [
      `{"type":"t","title":"t","fields":[],"sallyport":{"recordUid":"${uid}","applicationUid":"${uid}","ownerUid":"${uid}","revision":1,"keyVersion":1,"signature":"${'A'.repeat(86)}"}}`,
    ],
    decode: (text) => parseApplicationCopy(text, { recordUid: uid, applicationUid: uid }),
  },
];

const validPayloads = secretsManagerPayloads.cases
  .filter((vector) => !('fails' in vector))
  .map((vector) => vector.payload as object);
const field = (type: string, value: object) => ({
  type: 't',
  title: 't',
  fields: [{ type, value: [value] }],
});

export const jsonDecoders: readonly Decoder<unknown>[] = [
  ...Object.entries(payloads).map(([name, decode]) => ({ name, valid: validPayloads, decode })),
  {
    name: 'parseSecretsResponse',
    valid: [
      {
        appData: 'AAAA',
        folders: [],
        records: [{ recordUid: 'r', recordKey: 'AAAA', data: '', revision: 1 }],
      },
    ],
    decode: parseSecretsResponse,
  },
  {
    name: 'parseFileRef',
    valid: [{ fileUid: uid, name: 'a', size: 1, mediaType: 'a/b', key: encodeBase64url(raw), chunks: 1 }],
    decode: parseFileRef,
  },
  ...['paymentCard', 'pamResources', 'fileRef', 'date', 'databaseType'].map((type) => ({
    name: `field value ${type}`,
    valid: [{ cardNumber: '4' }, { resourceRef: ['x'], rosterVersion: 1 }, { name: 'a' }],
    decode: (value: unknown) => parseFieldValue(type, value),
  })),
  ...Object.entries({ readHostname, readPamSettings, readPamResources }).map(([name, read]) => ({
    name,
    valid: [
      field('pamHostname', { hostName: 'h', port: '22' }),
      field('pamSettings', { configurationUid: uid, connection: { protocol: 'ssh', fontSize: 12 } }),
      field('pamResources', {
        controllerUid: uid,
        applicationUid: uid,
        organisationUid: uid,
        rosterVersion: 1,
      }),
    ],
    decode: (json: unknown) => read(parseContent(JSON.stringify(json) ?? '')),
  })),
];

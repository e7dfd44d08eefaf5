import { create } from '@bufbuild/protobuf';
import { empty, parseHex, uint64, utf8, type Bytes } from '../../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../../protocol/crypto/ecdsa.ts';
import { pad } from '../../../../protocol/crypto/padding.ts';
import { SymmetricKey } from '../../../../protocol/crypto/symmetric-key.ts';
import { sealEnvelope } from '../../../../protocol/crypto/envelope.ts';
import { SealedManifestSchema } from '../../../../protocol/messages/gen/manifest_pb.js';
import { parseFolderEntry, verifyFolderEntry } from '../../../../protocol/sharing/folder-entry.ts';
import { openGrantKey } from '../../../../protocol/sharing/grant-key.ts';
import { parseGrant, verifyGrant } from '../../../../protocol/sharing/grant.ts';
import { newUid } from '../../../../protocol/uid.ts';
import { openCard } from '../../../../protocol/vault/card.ts';
import { openFolder, openPlace, unwrapEntryKey } from '../../../../protocol/vault/folder-seal.ts';
import { openLaunchCard } from '../../../../protocol/vault/launch-card.ts';
import { openManifest } from '../../../../protocol/vault/manifest.ts';
import entries from '../../../vectors/folder-entries.json' with { type: 'json' };
import grants from '../../../vectors/grants.json' with { type: 'json' };
import type { Decoder } from './decoders.ts';

const raw: Bytes = new Uint8Array(32).fill(2);
const dataKey = await SymmetricKey.import(raw.slice());
const pair = generateEcdhKeyPair();
const signer = signerOf(pair.privateKey);
const uid = newUid();
const record = { recordUid: uid, ownerUid: uid };
const entry = { folderUid: uid, recordUid: uid };
const grantScope = {
  objectKind: 'record',
  objectUid: uid,
  granteeUid: uid,
  granterUid: uid,
  launchOnly: false,
} as const;
const bodies = (file: { readonly cases: readonly { readonly body: string }[] }) =>
  file.cases.slice(0, 3).map(({ body }) => parseHex(body));

/** What a server gives of shares, and what their senders sealed. */
export const sharingDecoders: readonly Decoder<Uint8Array>[] = [
  { name: 'grant', valid: bodies(grants), decode: (body) => parseGrant({ body: new Uint8Array(body) }) },
  {
    name: 'signed grant',
    valid: bodies(grants),
    decode: (body) => verifyGrant(pair.publicKey, { body: new Uint8Array(body), signature: raw }),
    cost: 5,
  },
  {
    name: 'folder entry',
    valid: bodies(entries),
    decode: (body) => parseFolderEntry({ body: new Uint8Array(body) }),
  },
  {
    name: 'signed folder entry',
    valid: bodies(entries),
    decode: (body) => verifyFolderEntry(pair.publicKey, { body: new Uint8Array(body), signature: raw }),
    cost: 5,
  },
  {
    name: 'grant key',
    valid: grants.cases.slice(0, 1).map(({ sealedKey }) => parseHex(sealedKey)),
    decode: (sealed) => openGrantKey(pair, grantScope, sealed),
    cost: 5,
  },
  {
    name: 'entry key',
    valid: [new Uint8Array(69)],
    decode: (sealed) => unwrapEntryKey(raw, 'full', entry, sealed),
  },
  { name: 'place', valid: [new Uint8Array(59)], decode: (sealed) => openPlace(raw, entry, sealed) },
  {
    name: 'manifest',
    valid: [new Uint8Array(120)],
    decode: (sealed) =>
      openManifest(
        { accountUid: uid, dataKey, signer },
        create(SealedManifestSchema, { version: 1n, sealed: new Uint8Array(sealed), signature: empty }),
      ),
    cost: 5,
  },
];

const card = { accountUid: uid, objectUid: uid, revision: 1n };
const folder = { folderUid: uid, ownerUid: uid };
const sealed = (purpose: 'card' | 'folder-data' | 'launch-card', text: string) =>
  sealEnvelope(dataKey, purpose, [uid, uid, uint64(1n)], pad(utf8(text)));

/** Text that somebody with the right key sealed: honest, or not. */
export const sealedTextDecoders: readonly Decoder<string>[] = [
  {
    name: 'card',
    valid: ['{"tags":["a"],"favourite":true}'],
    decode: async (text) => openCard(dataKey, card, await sealed('card', text)),
  },
  {
    name: 'shared folder',
    valid: [
      '{"name":"a","subfolders":[{"uid":"x","name":"b","parentUid":null}],"formerKeys":[]}',
      '{"name":"a","subfolders":[],"formerKeys":[{"keyVersion":1,"sealedKey":"AAAA","launchKey":"AAAA"}]}',
    ],
    decode: async (text) => openFolder(raw, folder, 1n, await sealed('folder-data', text)),
  },
  {
    name: 'launch card',
    valid: ['{"type":"pamMachine","title":"a"}'],
    decode: async (text) => openLaunchCard(raw, record, 1n, await sealed('launch-card', text)),
  },
];

import { encodeBase64url, uint64, utf8, type Bytes } from '../../../../protocol/bytes.ts';
import { importAesKey, openBlob, openWithNonce } from '../../../../protocol/crypto/aes-gcm.ts';
import { generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { sealEnvelope } from '../../../../protocol/crypto/envelope.ts';
import { pad, padTo, unpadTo } from '../../../../protocol/crypto/padding.ts';
import { openPart } from '../../../../protocol/crypto/sealed-parts.ts';
import { SymmetricKey } from '../../../../protocol/crypto/symmetric-key.ts';
import { openBitwardenString } from '../../../../protocol/foreign-vaults/bitwarden-crypto.ts';
import { parseJson, parseObject } from '../../../../protocol/json.ts';
import { openSettings } from '../../../../protocol/organisation/settings.ts';
import { parseDay } from '../../../../protocol/records/field-values.ts';
import { openLegacyBlob, unwrapLegacyKey } from '../../../../protocol/secrets-manager/legacy-crypto.ts';
import { unwrapTransmissionKey, wrapTransmissionKey } from '../../../../protocol/transmission/wrapped-key.ts';
import { newUid } from '../../../../protocol/uid.ts';
import { openAccountKeys, openDataKey, openPrivateKey } from '../../../../protocol/vault/account-keys.ts';
import { openFileChunk, openUploadNote } from '../../../../protocol/vault/file-seal.ts';
import { openHeldIndex, openHeldIndexPart } from '../../../../protocol/vault/held-index.ts';
import { unwrapFolderKey } from '../../../../protocol/vault/folder-seal.ts';
import { parseFormerKeys, unwrapFormerFolderKey } from '../../../../protocol/vault/former-folder-keys.ts';
import { unwrapFormerKey, unwrapRecordKey } from '../../../../protocol/vault/record-seal.ts';
import { openExportFrame, parseExportHeader } from '../../../../protocol/vault/sealed-export.ts';
import { openSharedContent, openShareLinkTitle } from '../../../../protocol/vault/share-link.ts';
import type { Decoder } from './decoders.ts';

const raw: Bytes = new Uint8Array(32).fill(2);
const key = await SymmetricKey.import(raw.slice());
const aesKey = await importAesKey(raw.slice());
const pair = generateEcdhKeyPair();
const { publicKey } = pair;
const uid = newUid();
const scope = { recordUid: uid, ownerUid: uid };
const folder = { folderUid: uid, ownerUid: uid };
const index = { accountUid: uid, generationUid: uid };
const file = { recordUid: uid, fileUid: uid };
const sealedKeys = [new Uint8Array(69), await sealEnvelope(key, 'record-key', [], raw)];
const own = (bytes: Uint8Array): Bytes => new Uint8Array(bytes);

/** Keys and chunks as a server has them. */
export const sealedDecoders: readonly Decoder<Uint8Array>[] = [
  {
    name: 'held index, sealed',
    valid: sealedKeys,
    decode: (bytes) => openHeldIndex(key, index, [bytes]),
  },
  {
    name: 'part of a held index, sealed',
    valid: sealedKeys,
    decode: (bytes) => openHeldIndexPart(key, index, { part: 0, count: 2 }, bytes),
  },
  {
    name: 'part of what was cut, sealed',
    valid: sealedKeys,
    decode: (bytes) => openPart(key, 'record-key', [uid], { part: 0, count: 2 }, bytes),
  },
  { name: 'file chunk', valid: sealedKeys, decode: (bytes) => openFileChunk(key, file, 10, 0, bytes) },
  {
    name: 'upload note, sealed',
    valid: sealedKeys,
    decode: (bytes) => openUploadNote(key, uid, file, bytes),
  },
  {
    name: 'shared content, sealed',
    valid: sealedKeys,
    decode: (bytes) => openSharedContent(key, uid, bytes),
  },
  {
    name: 'title of a share link, sealed',
    valid: sealedKeys,
    decode: (bytes) => openShareLinkTitle(key, uid, uid, bytes),
  },
  {
    name: 'transmission key',
    valid: [new Uint8Array(130), (await wrapTransmissionKey({ id: 21, publicKey }, 'subject')).wrapped],
    decode: (bytes) => unwrapTransmissionKey([{ id: 21, ...pair }], 'subject', bytes),
    cost: 5,
  },
  { name: 'data key', valid: sealedKeys, decode: (bytes) => openDataKey(key, uid, 'password', bytes) },
  {
    name: 'private key',
    valid: sealedKeys,
    decode: (bytes) => openPrivateKey(key, 'account-ecdh-key', uid, bytes),
  },
  {
    name: 'private keys that were sealed',
    valid: [raw, new Uint8Array(32), new Uint8Array(32).fill(255)],
    decode: async (bytes) => {
      const sealedEcdhKey = await sealEnvelope(key, 'account-ecdh-key', [uid], own(bytes));
      const sealedSigningKey = await sealEnvelope(key, 'account-signing-key', [uid], own(bytes));
      return await openAccountKeys(uid, key, { sealedEcdhKey, sealedSigningKey });
    },
    cost: 5,
  },
  { name: 'record key', valid: sealedKeys, decode: (bytes) => unwrapRecordKey(key, scope, 1, bytes) },
  { name: 'former record key', valid: sealedKeys, decode: (bytes) => unwrapFormerKey(raw, uid, 1, bytes) },
  { name: 'folder key', valid: sealedKeys, decode: (bytes) => unwrapFolderKey(key, folder, bytes) },
  {
    name: 'former folder key',
    valid: sealedKeys,
    decode: (bytes) =>
      unwrapFormerFolderKey(raw, uid, { keyVersion: 1, sealedKey: own(bytes), launchKey: raw }),
  },
  {
    name: 'settings of an organisation, sealed',
    valid: sealedKeys,
    decode: (sealed) => {
      const signed = { version: 1n, sealed: own(sealed), signature: new Uint8Array(64).fill(1) };
      return openSettings({ uid, publicKey }, key, { $typeName: settingsName, ...signed });
    },
    cost: 5,
  },
  {
    name: 'chunk that was sealed',
    valid: [pad(utf8('0123456789')), pad(new Uint8Array(0))],
    decode: async (bytes) => {
      const objects = [uid, uid, uint64(0n), Uint8Array.of(1)];
      return await openFileChunk(
        key,
        file,
        10,
        0,
        await sealEnvelope(key, 'file-chunk', objects, own(bytes)),
      );
    },
  },
  {
    name: 'line of an export',
    valid: [
      utf8(
        `{"format":"sallyport-export","version":1,"kdf":{"name":"argon2id","salt":"${encodeBase64url(raw.slice(0, 16))}","memoryKib":65536,"passes":3,"parallelism":1}}\n`,
      ),
    ],
    decode: parseExportHeader,
  },
  {
    name: 'frame of an export',
    valid: sealedKeys,
    decode: (bytes) => openExportFrame(key, utf8('line\n'), 0, true, bytes),
  },
  { name: 'padding to a length', valid: [padTo(64, utf8('x'))], decode: (bytes) => unpadTo(64, bytes) },
  { name: 'blob', valid: [new Uint8Array(40)], decode: (bytes) => openBlob(aesKey, bytes, raw) },
  {
    name: 'ciphertext under a nonce',
    valid: [new Uint8Array(20)],
    decode: (bytes) => openWithNonce(aesKey, raw.slice(0, 12), own(bytes), raw),
  },
  {
    name: 'secrets-manager blob',
    valid: [new Uint8Array(40)],
    decode: (bytes) => openLegacyBlob(raw, bytes),
  },
  {
    name: 'secrets-manager key',
    valid: [new Uint8Array(60)],
    decode: (bytes) => unwrapLegacyKey(raw, bytes),
  },
];
const settingsName = 'sallyport.v1.SignedOrganisationSettings';

const sealedText = (
  purpose: 'file-upload' | 'share-link' | 'share-link-title',
  objects: string[],
  text: string,
) => sealEnvelope(key, purpose, objects, pad(utf8(text)));
const note = { name: 'a', size: 1, mediaType: 'a/b', key: 'AAAA', firstChunk: 'AAAA', modifiedAt: 1 };

/** Text that somebody with the right key sealed, and text of other vaults. */
export const moreTextDecoders: readonly Decoder<string>[] = [
  {
    name: 'upload note',
    valid: [JSON.stringify(note)],
    decode: async (text) =>
      openUploadNote(key, uid, file, await sealedText('file-upload', [uid, uid, uid], text)),
  },
  {
    name: 'shared content',
    valid: ['{"title":"a","note":"","fields":[{"label":"l","value":"v","secret":true}]}'],
    decode: async (text) => openSharedContent(key, uid, await sealedText('share-link', [uid], text)),
  },
  {
    name: 'title of a share link',
    valid: [`{"title":"a","recordUid":"${uid}"}`],
    decode: async (text) =>
      openShareLinkTitle(key, uid, uid, await sealedText('share-link-title', [uid, uid], text)),
  },
  { name: 'json', valid: ['{"a":[1,null]}'], decode: (text) => parseJson(text, 'not json') },
  { name: 'json object', valid: ['{"a":[1,null]}'], decode: (text) => parseObject(text, 'not json') },
  { name: 'day', valid: ['2026-02-28', '2024-02-29'], decode: parseDay },
  {
    name: 'sealed text of another vault',
    valid: [`2.${'A'.repeat(22)}==|${'A'.repeat(22)}==|${'A'.repeat(43)}=`],
    decode: (text) => openBitwardenString({ encryption: raw, authentication: raw }, text),
  },
];

export const moreJsonDecoders: readonly Decoder<unknown>[] = [
  {
    name: 'former folder keys',
    valid: [[{ keyVersion: 1, sealedKey: 'AAAA', launchKey: encodeBase64url(raw) }]],
    decode: parseFormerKeys,
  },
];

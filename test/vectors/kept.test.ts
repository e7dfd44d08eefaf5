import { expect } from 'vitest';
import { encodeHex, parseHex, uint64 } from '../../protocol/bytes.ts';
import { openEnvelope } from '../../protocol/crypto/envelope.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { purposes, type Purpose } from '../../protocol/crypto/labels.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { openInvitationNote } from '../../protocol/organisation/invitation.ts';
import { verifyAdoption } from '../../protocol/signed/record-signature.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { openPrivateKey } from '../../protocol/vault/account-keys.ts';
import { openCard } from '../../protocol/vault/card.ts';
import { openUploadNote } from '../../protocol/vault/file-seal.ts';
import { openHeldIndexPart } from '../../protocol/vault/held-index.ts';
import { openPlace, unwrapFolderKey } from '../../protocol/vault/folder-seal.ts';
import { unwrapFormerKey, unwrapRecordKey } from '../../protocol/vault/record-seal.ts';
import { hashBackupCode } from '../../server/login/backup-codes.ts';
import { cardPrint, recordPrint } from '../../protocol/vault/index-print.ts';
import { runVectors } from './cases.ts';
import adoptions from './record-adoptions.json' with { type: 'json' };
import backupCodes from './backup-codes.json' with { type: 'json' };
import indexPrints from './index-prints.json' with { type: 'json' };
import keptThings from './kept-things.json' with { type: 'json' };

interface Kept {
  readonly purpose: Purpose;
  readonly key: string;
  readonly objects: readonly (Uid | number)[];
  readonly sealed: string;
  readonly opened: unknown;
}

runVectors<Kept>('kept', keptThings, async ({ purpose, key, objects, sealed, opened }) => {
  expect(await openKept(purpose, parseHex(key), objects, parseHex(sealed))).toEqual(opened);
});

async function openKept(
  purpose: Purpose,
  rawKey: Uint8Array<ArrayBuffer>,
  objects: Kept['objects'],
  sealed: Uint8Array,
): Promise<unknown> {
  const [one, two, three, four] = objects as [Uid, Uid, Uid, Uid];
  const key = await SymmetricKey.import(rawKey);
  switch (purpose) {
    case purposes.recordKey: {
      const scope = { ownerUid: one, recordUid: two };
      return encodeHex(await unwrapRecordKey(key, scope, Number(three), sealed));
    }
    case purposes.folderKey:
      return encodeHex(await unwrapFolderKey(key, { ownerUid: one, folderUid: two }, sealed));
    case purposes.formerRecordKey:
      return encodeHex(await unwrapFormerKey(rawKey, one, Number(two), sealed));
    case purposes.invitationSecret: {
      const note = await openInvitationNote(key, one, two, sealed);
      return { ...note, secret: encodeHex(note.secret) };
    }
    case purposes.card:
      return await openCard(key, { accountUid: one, objectUid: two, revision: BigInt(three) }, sealed);
    case purposes.entryPlace:
      return await openPlace(rawKey, { folderUid: one, recordUid: two }, sealed);
    case purposes.fileUpload:
      return await openUploadNote(key, one, { recordUid: two, fileUid: three }, sealed);
    case purposes.heldIndex: {
      const place = { part: Number(three), count: Number(four) };
      return encodeHex(await openHeldIndexPart(key, { accountUid: one, generationUid: two }, place, sealed));
    }
    case purposes.localState:
    case purposes.localSnapshot:
    case purposes.totpSecret: {
      const parts = objects.map((part) => (typeof part === 'number' ? uint64(BigInt(part)) : part));
      return encodeHex(await openEnvelope(key, purpose, parts, sealed));
    }
    default:
      return encodeHex(await openPrivateKey(key, purpose, one, sealed));
  }
}

interface Code {
  readonly key: string;
  readonly accountUid: Uid;
  readonly code: string;
  readonly hash: string;
}

runVectors<Code>('backup code', backupCodes, ({ key, accountUid, code, hash }) => {
  expect(encodeHex(hashBackupCode(parseHex(key), accountUid, code))).toBe(hash);
});

interface Adoption {
  readonly ownerKey: string;
  readonly ownerUid: Uid;
  readonly recordUid: Uid;
  readonly writerUid: Uid;
  readonly revision: number;
  readonly keyVersion: number;
  readonly deleted: boolean;
  readonly dataHash: string;
  readonly launchHash: string;
  readonly signature: string;
}

runVectors<Adoption>('record adoption', adoptions, async (vector) => {
  const { ownerUid, recordUid, writerUid, keyVersion, deleted } = vector;
  const statement = {
    ...{ ownerUid, recordUid, writerUid, keyVersion, deleted, revision: BigInt(vector.revision) },
    ...{ dataHash: parseHex(vector.dataHash), launchHash: parseHex(vector.launchHash) },
  };
  await verifyAdoption(parseHex(vector.ownerKey), statement, parseHex(vector.signature));
});

interface Print {
  readonly recordUid?: Uid;
  readonly ownerUid?: Uid;
  readonly keyVersion?: number;
  readonly sealedKey?: string;
  readonly sealedData?: string;
  readonly objectUid?: Uid;
  readonly sealed?: string;
  readonly revision: number;
  readonly print: string;
}

runVectors<Print>('print', indexPrints, ({ print, ...vector }) => {
  const revision = BigInt(vector.revision);
  const {
    recordUid,
    ownerUid,
    objectUid,
    keyVersion = 0,
    sealedKey = '',
    sealedData = '',
    sealed = '',
  } = vector;
  if (objectUid)
    return expect(cardPrint({ objectUid: uidBytes(objectUid), revision, sealed: parseHex(sealed) })).toBe(
      print,
    );
  if (!recordUid || !ownerUid) throw new Error('neither a record nor a card');
  const uids = { recordUid: uidBytes(recordUid), ownerUid: uidBytes(ownerUid) };
  const row = { ...uids, revision, keyVersion, sealedKey: parseHex(sealedKey) };
  expect(recordPrint(row, sha256(parseHex(sealedData)))).toBe(print);
});

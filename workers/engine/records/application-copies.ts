import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Bytes } from '../../../protocol/bytes.ts';
import type { Signer } from '../../../protocol/crypto/ecdsa.ts';
import type { ApplicationCopySchema } from '../../../protocol/messages/gen/record_pb.js';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { applicationRecordKeyOf, sealApplicationCopy } from '../../../protocol/session/application-copy.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { RecordEntry } from './record-entry.ts';

/** Which records each application is to have. */
export type Shares = ReadonlyMap<Uid, ReadonlySet<Uid>>;

export interface Share {
  readonly applicationUid: Uid;
  readonly recordUid: Uid;
}

/**
 * What every gateway's application is to have, as the sealed records say: its configuration, the machines that name
 * it, and the credentials that these open with, as far as they are there. Nothing else, and not for a moment longer.
 */
export function wantedShares(entries: readonly RecordEntry[], isThere: (uid: Uid) => boolean): Shares {
  const wanted = new Map<Uid, Set<Uid>>();
  for (const { uid, pins } of entries) {
    if (pins !== null) wanted.set(pins.applicationUid, new Set([uid, ...neededBy(uid, entries, isThere)]));
  }
  return wanted;
}

/** Pairs that `from` has and `without` has not. */
export function sharesOnlyIn(from: Shares, without: Shares): Share[] {
  return [...from].flatMap(([applicationUid, records]) =>
    [...records]
      .filter((recordUid) => !without.get(applicationUid)?.has(recordUid))
      .map((recordUid) => ({ applicationUid, recordUid })),
  );
}

/** The record as that application is to see it, under keys of its own, signed by its owner. */
export async function sealCopy(
  applicationUid: Uid,
  applicationKey: Bytes,
  record: {
    readonly uid: Uid;
    readonly ownerUid: Uid;
    readonly key: Bytes;
    readonly keyVersion: number;
    readonly content: RecordContent;
    readonly revision: bigint;
  },
  owner: Signer,
): Promise<MessageInitShape<typeof ApplicationCopySchema>> {
  const { uid: recordUid, ownerUid, keyVersion } = record;
  const copyKey = applicationRecordKeyOf(record.key, applicationUid, recordUid);
  const binding = { recordUid, applicationUid, ownerUid, revision: Number(record.revision), keyVersion };
  const { wrappedKey, data } = await sealApplicationCopy(
    { applicationKey, copyKey },
    forGateway(record.content),
    binding,
    owner,
  );
  return {
    applicationUid: uidBytes(applicationUid),
    recordUid: uidBytes(recordUid),
    wrappedKey,
    data,
    editable: false,
  };
}

/** A gateway needs where to go, as whom, and how: no notes, titles or fields of a person's own. */
const neededFields: Readonly<Record<string, readonly string[]>> = {
  pamMachine: ['pamHostname', 'pamSettings', 'trafficEncryptionSeed'],
  pamUser: ['login', 'password', 'secret'],
  login: ['login', 'password'],
  pamNetworkConfiguration: ['pamResources'],
};

/** What of a record goes to a gateway. */
export function forGateway({ type, fields }: RecordContent): RecordContent {
  const needed = neededFields[type] ?? [];
  return { type, title: '', fields: fields.filter((field) => needed.includes(field.type)) };
}

function neededBy(
  configurationUid: Uid,
  entries: readonly RecordEntry[],
  isThere: (uid: Uid) => boolean,
): Uid[] {
  return entries.flatMap(({ uid, machine }) => {
    if (machine?.configurationUid !== configurationUid) return [];
    const { launchCredentialUid } = machine;
    return launchCredentialUid && isThere(launchCredentialUid) ? [uid, launchCredentialUid] : [uid];
  });
}

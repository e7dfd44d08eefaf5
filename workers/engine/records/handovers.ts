import { ProtocolError } from '../../../protocol/errors.ts';
import type { TakeOver } from '../../../protocol/messages/gen/record_pb.js';
import { type Grant as GrantMessage } from '../../../protocol/messages/gen/sharing_pb.js';
import { parseGrant, verifyGrant, type Grant } from '../../../protocol/sharing/grant.ts';
import { verifySignature } from '../../../protocol/crypto/ecdsa.ts';
import { signatureContexts } from '../../../protocol/crypto/labels.ts';
import { encodeRevision } from '../../../protocol/signed/record-signature.ts';
import type { Uid } from '../../../protocol/uid.ts';

/** From whom to whom a record is said to have gone. */
export interface OwnerChange {
  readonly recordUid: Uid;
  readonly fromUid: Uid;
  /** Null: to whomever. */
  readonly toUid: Uid | null;
  /** Of the record key that the first offer must have been made with, or a later one. */
  readonly keyVersion: number;
}

/** As they are handed around: without the key that the grant sealed. */
export type Offer = Pick<GrantMessage, 'body' | 'signature'>;

/** Offers that are looked at. */
const most = 8;

/**
 * Whether signed offers lead from one owner of a record to another. Nothing else does: a record under a known UID that
 * has another owner is another record, and an own one that the server calls handed on is missing. protocol.md §9.7.
 */
export function provesHandover(
  change: OwnerChange,
  offers: readonly Offer[],
  signingKeyOf: (accountUid: Uid) => Uint8Array | null,
): boolean {
  let { fromUid, keyVersion } = change;
  for (const offer of offers.slice(-most)) {
    const grant = offerOf(change.recordUid, fromUid, offer, signingKeyOf);
    if (grant === null || grant.keyVersion < keyVersion) continue;
    fromUid = grant.granteeUid;
    keyVersion = grant.keyVersion + 1; // who takes a record over gives it a key of their own
    if (fromUid === change.toUid) return true;
  }
  return change.toUid === null && fromUid !== change.fromUid;
}

/**
 * Whether somebody to whom `fromUid` offered the record took it over: an offer alone, which may lie unanswered for ever,
 * lets nothing go. Their first revision says so, under the key that followed the offered one.
 */
export function provesTakeOver(
  { recordUid, fromUid, keyVersion }: OwnerChange,
  offers: readonly Offer[],
  { revision, dataHash, launchHash, signature }: TakeOver,
  signingKeyOf: (accountUid: Uid) => Uint8Array | null,
): boolean {
  return offers.slice(-most).some((offer) => {
    const grant = offerOf(recordUid, fromUid, offer, signingKeyOf);
    const key = grant && signingKeyOf(grant.granteeUid);
    if (!key || grant.keyVersion < keyVersion) return false;
    const next = { ownerUid: grant.granteeUid, keyVersion: grant.keyVersion + 1 };
    try {
      const statement = { recordUid, revision, deleted: false, dataHash, launchHash, ...next };
      verifySignature(key, signatureContexts.record, encodeRevision(statement), signature);
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  });
}

/** That owner's word that the record may be another account's; null for anything else. */
function offerOf(
  recordUid: Uid,
  ownerUid: Uid,
  offer: Offer,
  signingKeyOf: (accountUid: Uid) => Uint8Array | null,
): Grant | null {
  try {
    const said = parseGrant(offer);
    const isOffer = said.ownerUid === ownerUid && said.granterUid === ownerUid && said.rights.own;
    const key = isOffer ? signingKeyOf(ownerUid) : null;
    if (key === null || said.objectKind !== 'record' || said.objectUid !== recordUid) return null;
    if (said.granteeKind !== 'account') return null;
    return verifyGrant(key, offer);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

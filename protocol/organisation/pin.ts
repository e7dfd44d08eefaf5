import { copy, type Bytes } from '../bytes.ts';
import { checkPublicKey } from '../crypto/ecdh.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { purposes } from '../crypto/labels.ts';
import type { SymmetricKey } from '../crypto/symmetric-key.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { OrganisationPinSchema } from '../messages/gen/account_pb.js';
import { uidBytes, uidOf, type Uid } from '../uid.ts';

/** Which organisation an account believes, and the key that speaks for it: never the server's to say. protocol.md §20.1. */
export interface OrganisationIdentity {
  readonly uid: Uid;
  /** 65 bytes. */
  readonly publicKey: Bytes;
}

/** Envelope under the account's data key, object account UID. */
export function sealOrganisationPin(
  dataKey: SymmetricKey,
  accountUid: Uid,
  { uid, publicKey }: OrganisationIdentity,
): Promise<Bytes> {
  const pin = encodeMessage(OrganisationPinSchema, {
    organisationUid: uidBytes(uid),
    signingPublicKey: publicKey,
  });
  return sealEnvelope(dataKey, purposes.organisationPin, [accountUid], pin);
}

/** Inverse of {@link sealOrganisationPin}. Throws `open-failed` or `malformed`. */
export async function openOrganisationPin(
  dataKey: SymmetricKey,
  accountUid: Uid,
  sealed: Uint8Array,
): Promise<OrganisationIdentity> {
  const opened = await openEnvelope(dataKey, purposes.organisationPin, [accountUid], sealed);
  const pin = decodeMessage(OrganisationPinSchema, opened);
  checkPublicKey(pin.signingPublicKey);
  return { uid: uidOf(pin.organisationUid), publicKey: copy(pin.signingPublicKey) };
}

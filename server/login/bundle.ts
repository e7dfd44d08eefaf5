// Checks of what a client brings when it registers. The server cannot judge ciphertext, only its form and the signatures.
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { checkPublicKey } from '../../protocol/crypto/ecdh.ts';
import { equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import {
  AccountCertificateSchema,
  SignedOrganisationSettingsSchema,
  SignedRosterSchema,
  type AccountBundle,
  type Device,
  type FinishRegistrationRequest,
  type OrganisationBundle,
  type SignedRoster,
} from '../../protocol/messages/gen/account_pb.js';
import {
  requireIdentity,
  verifyAccountCertificate,
  type AccountIdentity,
} from '../../protocol/signed/account-certificate.ts';
import { findMember, verifyRoster } from '../../protocol/signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';

/** Envelopes of keys are small; more is no key. */
const sealedKeyMost = 512;
/** Characters of a name in a list. */
const nameMost = 100;

export interface NewAccount {
  readonly identity: AccountIdentity;
  readonly certificate: Uint8Array;
  readonly sealedEcdhKey: Uint8Array;
  readonly sealedSigningKey: Uint8Array;
  readonly sealedOrganisationPin: Uint8Array;
}

export interface NewOrganisation {
  readonly organisationUid: Uid;
  readonly signingPublicKey: Uint8Array;
  readonly sealedSigningKey: Uint8Array;
  readonly sealedDataKey: Uint8Array;
  readonly roster: SignedRoster;
}

export interface NewDevice {
  readonly deviceUid: Uid;
  readonly publicKey: Uint8Array;
  readonly name: string;
}

/** Throws `malformed` or `bad-signature`. */
export function checkAccount(bundle: AccountBundle | undefined): NewAccount {
  if (!bundle?.certificate) throw new ProtocolError('malformed', 'the account is missing');
  const identity = verifyAccountCertificate(bundle.certificate);
  if (!equal(bundle.accountUid, uidBytes(identity.accountUid)))
    throw new ProtocolError('malformed', 'another account');
  return {
    identity,
    certificate: encodeMessage(AccountCertificateSchema, bundle.certificate),
    sealedEcdhKey: checkSealedKey(bundle.sealedEcdhKey),
    sealedSigningKey: checkSealedKey(bundle.sealedSigningKey),
    sealedOrganisationPin: checkSealedKey(bundle.sealedOrganisationPin),
  };
}

/** A new organisation whose first roster has this account, and nobody else, as administrator. */
function checkOrganisation(
  bundle: OrganisationBundle | undefined,
  founder: AccountIdentity,
): NewOrganisation {
  if (!bundle?.roster) throw new ProtocolError('malformed', 'the organisation is missing');
  const organisationUid = uidOf(bundle.organisationUid);
  const expected = { organisationUid, organisationKey: bundle.signingPublicKey, minimumVersion: 1n };
  const roster = verifyRoster(bundle.roster, expected);
  const member = findMember(roster, founder.accountUid);
  if (roster.version !== 1n || roster.members.length !== 1 || !member?.administrator)
    throw new ProtocolError('malformed', 'the first roster has its founder alone');
  requireIdentity(member, founder);
  return {
    organisationUid,
    signingPublicKey: bundle.signingPublicKey,
    sealedSigningKey: checkSealedKey(bundle.sealedSigningKey),
    sealedDataKey: checkSealedKey(bundle.sealedDataKey),
    roster: bundle.roster,
  };
}

/** Throws `malformed`. */
export function checkDevice(device: Device | undefined): NewDevice {
  if (!device) throw new ProtocolError('malformed', 'the device is missing');
  checkPublicKey(device.publicKey);
  if (device.name.length > nameMost || /\p{Cc}/u.test(device.name))
    throw new ProtocolError('malformed', 'not a name of a device');
  return { deviceUid: uidOf(device.deviceUid), publicKey: device.publicKey, name: device.name };
}

/** What a person calls a device, a factor or a passkey. Throws `malformed`. */
export function checkName(text: string): string {
  const name = text.trim().normalize('NFC');
  if (name.length === 0 || name.length > nameMost || /\p{Cc}/u.test(name))
    throw new ProtocolError('malformed', 'not a name');
  return name;
}

/** Throws `malformed` for what cannot be an envelope of a key. */
export function checkSealedKey(sealed: Uint8Array): Uint8Array {
  if (sealed.length < 37 + 32 || sealed.length > sealedKeyMost)
    throw new ProtocolError('malformed', 'not a sealed key');
  return sealed;
}

/** OPAQUE's record is of one size (RFC 9807 §7.2), in base64url. */
export function checkOpaqueRecord(record: string): string {
  if (!/^[\w-]{64,512}$/.test(record)) throw new ProtocolError('malformed', 'not an opaque record');
  return record;
}

export type Registration = ReturnType<typeof checkRegistration>;

/**
 * All of it; without an organisation when the account comes by invitation. Throws `malformed`, `bad-signature` or
 * `untrusted`.
 */
export function checkRegistration(input: FinishRegistrationRequest, invited: boolean) {
  const account = checkAccount(input.account);
  return {
    account,
    organisation: invited ? null : checkOrganisation(input.organisation, account.identity),
    device: checkDevice(input.device),
    password: {
      record: checkOpaqueRecord(input.passwordRecord),
      sealedDataKey: checkSealedKey(input.passwordSealedDataKey),
    },
    recovery: {
      record: checkOpaqueRecord(input.recoveryRecord),
      sealedDataKey: checkSealedKey(input.recoverySealedDataKey),
    },
  };
}

/** For answers: what the store holds as encoded messages. */
export function decodeCertificate(bytes: Uint8Array) {
  return decodeMessage(AccountCertificateSchema, bytes);
}

export function decodeSettings(bytes: Uint8Array) {
  return decodeMessage(SignedOrganisationSettingsSchema, bytes);
}

export function decodeSignedRoster(bytes: Uint8Array) {
  return decodeMessage(SignedRosterSchema, bytes);
}

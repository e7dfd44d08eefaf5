import { equal, wipe, type Bytes } from '../../protocol/bytes.ts';
import { ecdhPublicKey } from '../../protocol/crypto/ecdh.ts';
import { purposes } from '../../protocol/crypto/labels.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { AccountBundle, OrganisationBundle } from '../../protocol/messages/gen/account_pb.js';
import {
  requireIdentity,
  verifyAccountCertificate,
  type AccountIdentity,
} from '../../protocol/signed/account-certificate.ts';
import { findMember, verifyRoster } from '../../protocol/signed/roster.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { openAccountKeys, openPrivateKey, type AccountKeys } from '../../protocol/vault/account-keys.ts';

/** An account whose keys, certificate, organisation and roster were all found to belong together. */
export interface OpenedAccount {
  readonly email: string;
  readonly keys: AccountKeys;
  readonly organisation: Organisation;
  /** As the server gave them, for the local copy. */
  readonly accountBundle: AccountBundle;
  readonly organisationBundle: OrganisationBundle;
}

export interface Organisation {
  readonly uid: Uid;
  readonly publicKey: Bytes;
  readonly rosterVersion: bigint;
}

/**
 * Opens an account with its raw data key and checks all that the server says about it: public keys that do not belong
 * to the private ones, an organisation key that is another, a roster that does not list this account, or that is
 * older than `minimumRoster`, are `untrusted`.
 */
export async function openAccount(
  email: string,
  dataKey: Bytes,
  accountBundle: AccountBundle | undefined,
  organisationBundle: OrganisationBundle | undefined,
  minimumRoster = 1n,
): Promise<OpenedAccount> {
  try {
    if (!accountBundle || !organisationBundle) throw new ProtocolError('malformed');
    if (accountBundle.email !== email)
      throw new ProtocolError('untrusted', 'the account is of another address');
    const symmetricKey = await SymmetricKey.import(dataKey);
    const keys = await openAccountKeys(uidOf(accountBundle.accountUid), symmetricKey, accountBundle);
    const identity = identityOf(keys);
    requireIdentity(stated(accountBundle), identity);
    const organisation = await openOrganisation(organisationBundle, symmetricKey, identity, minimumRoster);
    return { email, keys, organisation, accountBundle, organisationBundle };
  } catch (error) {
    throw error instanceof ProtocolError ? new ProtocolError('untrusted', reasonOf(error)) : error;
  }
}

/** Throws `untrusted` when the server shows another account, other keys or another organisation than before. */
export function requireSameAccount(before: OpenedAccount, now: OpenedAccount): void {
  requireIdentity(identityOf(now.keys), identityOf(before.keys));
  const { uid, publicKey } = before.organisation;
  if (now.organisation.uid !== uid || !equal(now.organisation.publicKey, publicKey)) {
    throw new ProtocolError('untrusted', 'the server shows another organisation');
  }
}

function identityOf({ accountUid, ecdh, signer }: AccountKeys): AccountIdentity {
  return { accountUid, ecdhPublicKey: ecdh.publicKey, signingPublicKey: signer.publicKey };
}

function stated({ certificate }: AccountBundle): AccountIdentity {
  if (!certificate) throw new ProtocolError('malformed', 'the account has no certificate');
  return verifyAccountCertificate(certificate);
}

async function openOrganisation(
  bundle: OrganisationBundle,
  dataKey: SymmetricKey,
  own: AccountIdentity,
  minimumVersion: bigint,
): Promise<Organisation> {
  const organisationUid = uidOf(bundle.organisationUid);
  const organisationKey = new Uint8Array(bundle.signingPublicKey);
  if (bundle.sealedSigningKey.length > 0) await requireOwnKey(bundle, organisationUid, dataKey);
  if (!bundle.roster) throw new ProtocolError('malformed', 'the organisation has no roster');
  const roster = verifyRoster(bundle.roster, { organisationUid, organisationKey, minimumVersion });
  const member = findMember(roster, own.accountUid);
  if (member === null) throw new ProtocolError('untrusted', 'the roster does not list this account');
  requireIdentity(member, own);
  return { uid: organisationUid, publicKey: organisationKey, rosterVersion: roster.version };
}

/** The founder holds the organisation's private key, so its public one is not the server's to say. */
async function requireOwnKey(bundle: OrganisationBundle, uid: Uid, dataKey: SymmetricKey): Promise<void> {
  const purpose = purposes.organisationSigningKey;
  const privateKey = await openPrivateKey(dataKey, purpose, uid, bundle.sealedSigningKey);
  const fits = equal(ecdhPublicKey(privateKey), bundle.signingPublicKey);
  wipe(privateKey);
  if (!fits) throw new ProtocolError('untrusted', 'the organisation has another key');
}

function reasonOf(error: ProtocolError): string {
  return error.code === 'untrusted' ? error.message : 'what the server says of this account does not hold';
}

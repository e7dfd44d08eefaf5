import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import type { Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { AccountBundle, OrganisationBundle } from '../../../protocol/messages/gen/account_pb.js';
import { openOrganisationPin } from '../../../protocol/organisation/pin.ts';
import {
  requireIdentity,
  verifyAccountCertificate,
  type AccountIdentity,
} from '../../../protocol/signed/account-certificate.ts';
import { isSameIdentity, requireSuccession } from '../../../protocol/signed/key-succession.ts';
import { uidOf } from '../../../protocol/uid.ts';
import { openAccountKeys, type AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { TrustedOrganisation } from '../organisation/trusted-organisation.ts';

/** An account whose keys, certificate, organisation and roster were all found to belong together. */
export interface OpenedAccount {
  readonly email: string;
  readonly keys: AccountKeys;
  readonly organisation: TrustedOrganisation;
  /** As the server gave it, for the local copy. */
  readonly accountBundle: AccountBundle;
  /** As it is now, for the local copy. */
  readonly organisationBundle: OrganisationBundle;
}

/**
 * Opens an account with its raw data key and checks all that the server says about it: public keys that do not belong
 * to the private ones, another organisation than the account's own pin, a roster by another key, with other keys of
 * this account, or older than `minimumRoster`, are `untrusted`.
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
    const own = identityOf(keys);
    requireIdentity(stated(accountBundle), own);
    const pin = await openOrganisationPin(symmetricKey, keys.accountUid, accountBundle.sealedOrganisationPin);
    const organisation = new TrustedOrganisation(
      ...([pin, organisationBundle, own, minimumRoster] as const),
      accountBundle.successions,
    );
    return {
      ...{ email, keys, organisation, accountBundle },
      get organisationBundle() {
        return organisation.bundle;
      },
    };
  } catch (error) {
    throw error instanceof ProtocolError ? new ProtocolError('untrusted', reasonOf(error)) : error;
  }
}

/**
 * What a new login gave goes on from what this device knew. Throws `untrusted` when the server shows another account,
 * keys that the known ones did not sign over to, another organisation, or an older or another roster.
 */
export function requireSameAccount(before: OpenedAccount, now: OpenedAccount): void {
  const [former, present] = [identityOf(before.keys), identityOf(now.keys)];
  requireSuccession(now.organisation.uid, former, present, now.accountBundle.successions);
  now.organisation.continueFrom(before.organisation);
}

/** Whether the account was given new keys since: everything that this device sealed under the former ones is of no use. */
export function hasOtherKeys(before: OpenedAccount, now: OpenedAccount): boolean {
  return !isSameIdentity(identityOf(before.keys), identityOf(now.keys));
}

/** Who the account is to others. */
export function identityOf({ accountUid, ecdh, signer }: AccountKeys): AccountIdentity {
  return { accountUid, ecdhPublicKey: ecdh.publicKey, signingPublicKey: signer.publicKey };
}

function stated({ certificate }: AccountBundle): AccountIdentity {
  if (!certificate) throw new ProtocolError('malformed', 'the account has no certificate');
  return verifyAccountCertificate(certificate);
}

function reasonOf(error: ProtocolError): string {
  return error.code === 'untrusted' ? error.message : 'what the server says of this account does not hold';
}

import { copy, empty, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { purposes, type Purpose } from '../../../protocol/crypto/labels.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { ecdhPublicKey } from '../../../protocol/crypto/ecdh.ts';
import {
  AccountService,
  AccountBundleSchema,
  OrganisationBundleSchema,
} from '../../../protocol/messages/gen/account_pb.js';
import type { AccountBundle, OrganisationBundle } from '../../../protocol/messages/gen/account_pb.js';
import { create } from '@bufbuild/protobuf';
import { ProtocolError } from '../../../protocol/errors.ts';
import { OrganisationService } from '../../../protocol/messages/gen/organisation_pb.js';
import {
  invitationToken,
  proveInvitation,
  requireInvitedKey,
  type InvitationLink,
} from '../../../protocol/organisation/invitation.ts';
import { sealOrganisationPin, type OrganisationIdentity } from '../../../protocol/organisation/pin.ts';
import { signAccountCertificate } from '../../../protocol/signed/account-certificate.ts';
import { signRoster, type RosterMember } from '../../../protocol/signed/roster.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import {
  accountWrappingKey,
  generateAccountSecrets,
  sealDataKey,
  sealPrivateKey,
  type AccountSecrets,
  type SecretFactor,
} from '../../../protocol/vault/account-keys.ts';
import type { ApiClient } from '../connection/api-client.ts';
import { readSession } from '../connection/device-session.ts';
import { startRegistration } from '../sign-in/opaque.ts';
import { openAccount } from './opened-account.ts';
import { deviceMessage, type SignedIn } from './signed-in.ts';
import type { Environment } from '../environment.ts';

export interface NewAccount {
  readonly email: string;
  readonly password: string;
  /** Normalised. */
  readonly phrase: string;
  readonly setupToken: Bytes;
  /** Joins its organisation; null founds one. */
  readonly invitation: InvitationLink | null;
}

/** What the server says of an invitation, where the link does not prove it wrong. */
export interface InvitationView {
  readonly email: string;
  readonly inviterEmail: string;
  readonly organisation: OrganisationIdentity;
}

/** Throws `not-found` for one that is not valid (any more), `untrusted` for another organisation than the link's. */
export async function openInvitation(api: ApiClient, link: InvitationLink): Promise<InvitationView> {
  const { email, inviterEmail, organisationUid, organisationKey } = await api.call(
    OrganisationService.method.openInvitation,
    { invitationUid: uidBytes(link.invitationUid), token: invitationToken(link) },
  );
  requireInvitedKey(link, organisationKey);
  return {
    email,
    inviterEmail,
    organisation: { uid: uidOf(organisationUid), publicKey: copy(organisationKey) },
  };
}

/**
 * Creates the account, its keys and, without an invitation, its organisation on this device, and registers password and
 * recovery phrase. The server gets public halves and ciphertext. Throws `conflict`, `not-allowed`, `not-found` for an
 * invitation that is over, `untrusted` or `offline`.
 */
export async function registerAccount(
  api: ApiClient,
  environment: Environment,
  { email, password, phrase, setupToken, invitation }: NewAccount,
): Promise<SignedIn> {
  const invitedTo = invitation && (await openInvitation(api, invitation)).organisation;
  const passwordStart = await startRegistration(password);
  const recoveryStart = await startRegistration(phrase);
  const started = await api.call(AccountService.method.startRegistration, {
    email,
    setupToken,
    ...(invitation && {
      invitationUid: uidBytes(invitation.invitationUid),
      invitationToken: invitationToken(invitation),
    }),
    passwordRequest: passwordStart.request,
    recoveryRequest: recoveryStart.request,
  });
  const byPassword = passwordStart.finish(started.passwordResponse);
  const byPhrase = recoveryStart.finish(started.recoveryResponse);

  const accountUid = newUid();
  const secrets = generateAccountSecrets();
  const { account, organisation } = await sealAccount(email, accountUid, secrets, invitedTo);
  const wrap = (exportKey: Bytes, factor: SecretFactor) =>
    wrapDataKey(exportKey, factor, accountUid, secrets.dataKey);
  const sealedDataKey = await wrap(byPassword.exportKey, 'password');
  const { session } = await api.call(AccountService.method.finishRegistration, {
    registrationUid: started.registrationUid,
    passwordRecord: byPassword.record,
    recoveryRecord: byPhrase.record,
    account,
    ...(invitation
      ? { invitationProof: proveInvitation(invitation, certificateBodyOf(account)) }
      : { organisation }),
    passwordSealedDataKey: sealedDataKey,
    recoverySealedDataKey: await wrap(byPhrase.exportKey, 'recovery'),
    device: await deviceMessage(environment),
  });
  api.learnTime(session?.serverTimeMs ?? 0n);
  wipe(secrets.ecdhKey, secrets.signingKey);
  const opened = await openAccount(email, secrets.dataKey, account, organisation);
  return { account: opened, dataKey: secrets.dataKey, session: readSession(session), sealedDataKey };
}

/** The data key under the account wrapping key of one factor. Wipes the export key. */
export async function wrapDataKey(
  exportKey: Bytes,
  factor: SecretFactor,
  accountUid: Uid,
  dataKey: Bytes,
): Promise<Bytes> {
  const wrappingKey = await accountWrappingKey(exportKey, factor);
  wipe(exportKey);
  return await sealDataKey(wrappingKey, accountUid, factor, dataKey);
}

async function sealAccount(
  email: string,
  accountUid: Uid,
  secrets: AccountSecrets,
  invitedTo: OrganisationIdentity | null,
): Promise<{ account: AccountBundle; organisation: OrganisationBundle }> {
  const dataKey = await SymmetricKey.import(secrets.dataKey);
  const signer = signerOf(secrets.signingKey);
  const ecdhKey = ecdhPublicKey(secrets.ecdhKey);
  const founder = {
    accountUid,
    ecdhPublicKey: ecdhKey,
    signingPublicKey: signer.publicKey,
    administrator: true,
    email,
  };
  const organisation = invitedTo ? joined(invitedTo) : await foundOrganisation(dataKey, founder);
  const pin = { uid: uidOf(organisation.organisationUid), publicKey: copy(organisation.signingPublicKey) };
  const account = create(AccountBundleSchema, {
    accountUid: uidBytes(accountUid),
    email,
    certificate: await signAccountCertificate(signer, accountUid, ecdhKey),
    sealedEcdhKey: await sealPrivateKey(dataKey, purposes.accountEcdhKey, accountUid, secrets.ecdhKey),
    sealedSigningKey: await sealPrivateKey(
      dataKey,
      purposes.accountSigningKey,
      accountUid,
      secrets.signingKey,
    ),
    sealedOrganisationPin: await sealOrganisationPin(dataKey, accountUid, pin),
  });
  return { account, organisation };
}

/** No roster names the account yet. */
function joined({ uid, publicKey }: OrganisationIdentity): OrganisationBundle {
  return create(OrganisationBundleSchema, { organisationUid: uidBytes(uid), signingPublicKey: publicKey });
}

function certificateBodyOf({ certificate }: AccountBundle): Uint8Array {
  if (!certificate) throw new ProtocolError('internal', 'an account without a certificate');
  return certificate.body;
}

async function foundOrganisation(dataKey: SymmetricKey, founder: RosterMember): Promise<OrganisationBundle> {
  const organisationUid = newUid();
  const { privateKey, publicKey } = generateEcdhKeyPair();
  const settingsKey = randomBytes(32);
  const first = {
    ...{ organisationUid, version: 1n, parentHash: empty, members: [founder], teams: [] },
    recoveryPublicKey: empty,
    ends: [],
    formerTeamMembers: [],
  };
  const seal = (purpose: Purpose, key: Bytes) => sealPrivateKey(dataKey, purpose, organisationUid, key);
  const bundle = create(OrganisationBundleSchema, {
    organisationUid: uidBytes(organisationUid),
    signingPublicKey: publicKey,
    sealedSigningKey: await seal(purposes.organisationSigningKey, privateKey),
    sealedDataKey: await seal(purposes.organisationDataKey, settingsKey),
    roster: await signRoster(signerOf(privateKey), first),
  });
  wipe(privateKey, settingsKey);
  return bundle;
}

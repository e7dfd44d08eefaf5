import { empty, wipe, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { purposes } from '../../protocol/crypto/labels.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { ecdhPublicKey } from '../../protocol/crypto/ecdh.ts';
import {
  AccountService,
  AccountBundleSchema,
  OrganisationBundleSchema,
} from '../../protocol/messages/gen/account_pb.js';
import type { AccountBundle, OrganisationBundle } from '../../protocol/messages/gen/account_pb.js';
import { create } from '@bufbuild/protobuf';
import { signAccountCertificate } from '../../protocol/signed/account-certificate.ts';
import { signRoster } from '../../protocol/signed/roster.ts';
import { newUid, uidBytes, type Uid } from '../../protocol/uid.ts';
import {
  accountWrappingKey,
  generateAccountSecrets,
  sealDataKey,
  sealPrivateKey,
  type AccountSecrets,
  type SecretFactor,
} from '../../protocol/vault/account-keys.ts';
import type { ApiClient } from './api-client.ts';
import { readSession } from './device-session.ts';
import { startRegistration } from './opaque.ts';
import { openAccount } from './opened-account.ts';
import { deviceMessage, type SignedIn } from './signed-in.ts';
import type { Environment } from './environment.ts';

export interface NewAccount {
  readonly email: string;
  readonly password: string;
  /** Normalised. */
  readonly phrase: string;
  readonly setupToken: Bytes;
}

/**
 * Creates the account, its keys and its organisation on this device, and registers password and recovery phrase.
 * The server gets public halves and ciphertext. Throws `conflict`, `not-allowed` or `offline`.
 */
export async function registerAccount(
  api: ApiClient,
  environment: Environment,
  { email, password, phrase, setupToken }: NewAccount,
): Promise<SignedIn> {
  const passwordStart = await startRegistration(password);
  const recoveryStart = await startRegistration(phrase);
  const started = await api.call(AccountService.method.startRegistration, {
    email,
    setupToken,
    passwordRequest: passwordStart.request,
    recoveryRequest: recoveryStart.request,
  });
  const byPassword = passwordStart.finish(started.passwordResponse);
  const byPhrase = recoveryStart.finish(started.recoveryResponse);

  const accountUid = newUid();
  const secrets = generateAccountSecrets();
  const { account, organisation } = await sealAccount(email, accountUid, secrets);
  const wrap = (exportKey: Bytes, factor: SecretFactor) =>
    wrapDataKey(exportKey, factor, accountUid, secrets.dataKey);
  const sealedDataKey = await wrap(byPassword.exportKey, 'password');
  const { session } = await api.call(AccountService.method.finishRegistration, {
    registrationUid: started.registrationUid,
    passwordRecord: byPassword.record,
    recoveryRecord: byPhrase.record,
    account,
    organisation,
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
): Promise<{ account: AccountBundle; organisation: OrganisationBundle }> {
  const dataKey = await SymmetricKey.import(secrets.dataKey);
  const signer = signerOf(secrets.signingKey);
  const ecdhKey = ecdhPublicKey(secrets.ecdhKey);
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
  });
  const founder = {
    accountUid,
    ecdhPublicKey: ecdhKey,
    signingPublicKey: signer.publicKey,
    administrator: true,
    email,
  };
  return { account, organisation: await foundOrganisation(dataKey, founder) };
}

async function foundOrganisation(
  dataKey: SymmetricKey,
  founder: Parameters<typeof signRoster>[1]['members'][number],
): Promise<OrganisationBundle> {
  const organisationUid = newUid();
  const { privateKey, publicKey } = generateEcdhKeyPair();
  const first = {
    organisationUid,
    version: 1n,
    parentHash: empty,
    members: [founder],
    teams: [],
    recoveryPublicKey: empty,
  };
  const bundle = create(OrganisationBundleSchema, {
    organisationUid: uidBytes(organisationUid),
    signingPublicKey: publicKey,
    sealedSigningKey: await sealPrivateKey(
      dataKey,
      purposes.organisationSigningKey,
      organisationUid,
      privateKey,
    ),
    roster: await signRoster(signerOf(privateKey), first),
  });
  wipe(privateKey);
  return bundle;
}

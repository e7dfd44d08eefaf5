import { create } from '@bufbuild/protobuf';
import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ecdhPublicKey } from '../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { purposes } from '../../../protocol/crypto/labels.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  AccountBundleSchema,
  KeySuccessionSchema,
  OrganisationBundleSchema,
  type AccountBundle,
  type KeySuccession,
  type OrganisationBundle,
} from '../../../protocol/messages/gen/account_pb.js';
import type { OrganisationKeyName } from '../../../protocol/organisation/keys.ts';
import { sealOrganisationPin } from '../../../protocol/organisation/pin.ts';
import { signAccountCertificate } from '../../../protocol/signed/account-certificate.ts';
import { parseSuccession, signSuccession } from '../../../protocol/signed/key-succession.ts';
import { uidBytes } from '../../../protocol/uid.ts';
import {
  generateAccountSecrets,
  sealPrivateKey,
  type AccountKeys,
} from '../../../protocol/vault/account-keys.ts';
import { identityOf, type OpenedAccount } from '../account/opened-account.ts';
import type { OrganisationKeys } from '../organisation/organisation-keys.ts';

/** An account's new keys, and all of its own that is sealed under them. */
export interface NewKeys {
  readonly keys: AccountKeys;
  /** Raw, 32 bytes. */
  readonly dataKey: Bytes;
  readonly account: AccountBundle;
  readonly organisation: OrganisationBundle;
  readonly succession: KeySuccession;
}

const sealedFor = {
  data: purposes.organisationDataKey,
  signing: purposes.organisationSigningKey,
  recovery: purposes.organisationRecoveryKey,
} as const;

/** Fresh keys, certified by themselves and signed over to by the former ones. */
export async function makeNewKeys(
  account: OpenedAccount,
  organisationKeys: OrganisationKeys,
  issuedAtMs: number,
): Promise<NewKeys> {
  const { organisation, keys: former, email, accountBundle } = account;
  const { accountUid } = former;
  const secrets = generateAccountSecrets();
  const dataKey = await SymmetricKey.import(secrets.dataKey);
  const ecdh = { privateKey: secrets.ecdhKey, publicKey: ecdhPublicKey(secrets.ecdhKey) };
  const formerEcdh = [former.ecdh, ...former.formerEcdh].slice(0, limits.keySuccessions);
  const signer = signerOf(secrets.signingKey);
  const keys = { accountUid, dataKey, ecdh, formerEcdh, signer, signingKey: secrets.signingKey };
  const steps = accountBundle.successions;
  const succession = await signSuccession(former.signer, signer, {
    ...{ organisationUid: organisation.uid, number: numberAfter(steps), issuedAtMs },
    ...{ former: identityOf(former), next: identityOf(keys) },
  });
  const seal = (
    purpose: (typeof purposes)['formerEcdhKey' | 'accountEcdhKey' | 'accountSigningKey'],
    key: Bytes,
  ) => sealPrivateKey(dataKey, purpose, accountUid, key);
  const bundle = create(AccountBundleSchema, {
    accountUid: uidBytes(accountUid),
    email,
    certificate: await signAccountCertificate(signer, accountUid, ecdh.publicKey),
    sealedEcdhKey: await seal(purposes.accountEcdhKey, ecdh.privateKey),
    sealedSigningKey: await seal(purposes.accountSigningKey, secrets.signingKey),
    sealedOrganisationPin: await sealOrganisationPin(dataKey, accountUid, organisation),
    sealedFormerEcdhKeys: await Promise.all(
      formerEcdh.map(({ privateKey }) => seal(purposes.formerEcdhKey, privateKey)),
    ),
    successions: [...steps, succession],
  });
  return {
    ...{ keys, dataKey: secrets.dataKey, account: bundle },
    organisation: await organisationUnder(account, organisationKeys, dataKey),
    succession: create(KeySuccessionSchema, succession),
  };
}

/** Lets go of keys that nobody is to have. */
export function discardNewKeys({ dataKey, keys }: NewKeys): void {
  wipe(dataKey, keys.ecdh.privateKey, keys.signingKey); // the former ones are the vault's
}

function numberAfter(steps: readonly KeySuccession[]): number {
  const last = steps.at(-1);
  return last ? parseSuccession(last).number + 1 : 1;
}

/** What the account has of its organisation. */
async function organisationUnder(
  { organisation }: OpenedAccount,
  keys: OrganisationKeys,
  dataKey: SymmetricKey,
): Promise<OrganisationBundle> {
  const seal = async (name: OrganisationKeyName) =>
    keys.has(name)
      ? await keys.use(name, (key) => sealPrivateKey(dataKey, sealedFor[name], organisation.uid, key))
      : new Uint8Array(0);
  const sealed = {
    sealedDataKey: await seal('data'),
    sealedSigningKey: await seal('signing'),
    sealedRecoveryKey: await seal('recovery'),
  };
  return create(OrganisationBundleSchema, { ...organisation.bundle, ...sealed });
}

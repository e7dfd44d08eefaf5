import { equal, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ecdhPublicKey } from '../../../protocol/crypto/ecdh.ts';
import { signerOf, type Signer } from '../../../protocol/crypto/ecdsa.ts';
import { purposes, type Purpose } from '../../../protocol/crypto/labels.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { OrganisationKeyName } from '../../../protocol/organisation/keys.ts';
import { openPrivateKey, sealPrivateKey } from '../../../protocol/vault/account-keys.ts';
import type { OpenedAccount } from '../account/opened-account.ts';

const sealedFor: Readonly<Record<OrganisationKeyName, Purpose>> = {
  data: purposes.organisationDataKey,
  signing: purposes.organisationSigningKey,
  recovery: purposes.organisationRecoveryKey,
};

/** The organisation's keys that this account has, under its own data key, each opened for one use. */
export class OrganisationKeys {
  readonly #account: OpenedAccount;

  constructor(account: OpenedAccount) {
    this.#account = account;
  }

  has(name: OrganisationKeyName): boolean {
    const { roster } = this.#account.organisation;
    if (name === 'recovery' && roster.recoveryPublicKey.length === 0) return false; // switched off
    return this.#account.organisation.sealedKey(name).length > 0;
  }

  /** Gives the raw key to one task and wipes it. Throws `not-allowed` when this account has none, `untrusted` when it is another. */
  async use<T>(name: OrganisationKeyName, task: (key: Bytes) => Promise<T>): Promise<T> {
    const { keys, organisation } = this.#account;
    if (!this.has(name)) throw new ProtocolError('not-allowed', 'this account does not have that key');
    const key = await openPrivateKey(
      keys.dataKey,
      sealedFor[name],
      organisation.uid,
      organisation.sealedKey(name),
    );
    try {
      this.#require(name, key);
      return await task(key);
    } finally {
      wipe(key);
    }
  }

  /** Signs for the organisation during one task. */
  async sign<T>(task: (signer: Signer) => Promise<T>): Promise<T> {
    return await this.use('signing', (key) => task(signerOf(key)));
  }

  /** Null when this account was not given it yet. */
  async dataKey(): Promise<SymmetricKey | null> {
    return this.has('data') ? await this.use('data', (key) => SymmetricKey.import(key)) : null;
  }

  /** The envelope under the own data key. Throws `untrusted` for a key that is not the organisation's. */
  async seal(name: OrganisationKeyName, key: Bytes): Promise<Bytes> {
    const { keys, organisation } = this.#account;
    this.#require(name, key);
    return await sealPrivateKey(keys.dataKey, sealedFor[name], organisation.uid, key);
  }

  #require(name: OrganisationKeyName, key: Bytes): void {
    const { publicKey, roster } = this.#account.organisation;
    if (name === 'data') return;
    const expected = name === 'signing' ? publicKey : roster.recoveryPublicKey;
    if (!equal(ecdhPublicKey(key), expected))
      throw new ProtocolError('untrusted', 'the organisation has another key');
  }
}

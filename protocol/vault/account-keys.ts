import { empty, type Bytes, wipe } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { ecdhPublicKey, generateEcdhKeyPair, type EcdhKeyPair } from '../crypto/ecdh.ts';
import { signerOf, type Signer } from '../crypto/ecdsa.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { hkdf, sha256 } from '../crypto/hash.ts';
import { labels, purposes, type Purpose } from '../crypto/labels.ts';
import { randomBytes } from '../crypto/random.ts';
import { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Uid } from '../uid.ts';

/** How a data key is wrapped on the server: one way for each factor that can sign in. */
export type WrappingFactor = SecretFactor | 'passkey';
/** Those with a secret that a person remembers or wrote down. */
export type SecretFactor = 'password' | 'recovery';

/** What an unlocked account holds. Lives in the worker alone. */
export interface AccountKeys {
  readonly accountUid: Uid;
  readonly dataKey: SymmetricKey;
  readonly ecdh: EcdhKeyPair;
  /** Those before, the newest first: what was sealed to them opens. */
  readonly formerEcdh: readonly EcdhKeyPair[];
  readonly signer: Signer;
  /** What the signer signs with: here to be wiped. */
  readonly signingKey: Bytes;
}

/** Raw secrets of a new account, to be sealed and wiped. */
export interface AccountSecrets {
  readonly dataKey: Bytes;
  readonly ecdhKey: Bytes;
  readonly signingKey: Bytes;
}

/** Fresh random secrets. */
export function generateAccountSecrets(): AccountSecrets {
  return {
    dataKey: randomBytes(32),
    ecdhKey: generateEcdhKeyPair().privateKey,
    signingKey: generateEcdhKeyPair().privateKey,
  };
}

/** The key that wraps the data key, from an OPAQUE export key (64 bytes). protocol.md §8.2. */
export async function accountWrappingKey(exportKey: Bytes, factor: SecretFactor): Promise<SymmetricKey> {
  return await importDerived(hkdf(exportKey, empty, encodeContext(labels.accountWrappingKey, factor)));
}

/**
 * What every passkey is asked for (WebAuthn PRF): the same for all, because a passkey is chosen before its account is
 * known. Its answer is secret to it, and the wrapping key is bound to the account.
 */
export function passkeyInput(): Bytes {
  return sha256(encodeContext(labels.passkeyInput));
}

/** The key that wraps the data key, from a passkey's PRF result (32 bytes). protocol.md §8.9. */
export async function passkeyWrappingKey(
  prf: Bytes,
  accountUid: Uid,
  credentialId: Uint8Array,
): Promise<SymmetricKey> {
  if (prf.length !== 32) throw new ProtocolError('malformed', 'not the result of a passkey');
  return await importDerived(
    hkdf(prf, empty, encodeContext(labels.passkeyWrappingKey, accountUid, credentialId)),
  );
}

/** The key that wraps the data key on this device, from Argon2id (32 bytes). protocol.md §15. */
export async function localWrappingKey(argon2Key: Bytes): Promise<SymmetricKey> {
  return await importDerived(hkdf(argon2Key, empty, encodeContext(labels.localWrappingKey)));
}

/** Data key under a wrapping key, bound to account and to what it is wrapped for ("password", "recovery", "passkey", "local"). */
export function sealDataKey(
  wrappingKey: SymmetricKey,
  accountUid: Uid,
  wrappedFor: WrappingFactor | 'local',
  dataKey: Bytes,
): Promise<Bytes> {
  return sealEnvelope(wrappingKey, purposes.dataKey, [accountUid, wrappedFor], dataKey);
}

/** Inverse of {@link sealDataKey}. Throws `open-failed`. */
export function openDataKey(
  wrappingKey: SymmetricKey,
  accountUid: Uid,
  wrappedFor: WrappingFactor | 'local',
  sealed: Uint8Array,
): Promise<Bytes> {
  return openEnvelope(wrappingKey, purposes.dataKey, [accountUid, wrappedFor], sealed);
}

/** A private key of the account or its organisation under the data key. */
export function sealPrivateKey(
  dataKey: SymmetricKey,
  purpose: Purpose,
  owner: Uid,
  privateKey: Bytes,
): Promise<Bytes> {
  return sealEnvelope(dataKey, purpose, [owner], privateKey);
}

/** Inverse of {@link sealPrivateKey}. Throws `open-failed`. */
export function openPrivateKey(
  dataKey: SymmetricKey,
  purpose: Purpose,
  owner: Uid,
  sealed: Uint8Array,
): Promise<Bytes> {
  return openEnvelope(dataKey, purpose, [owner], sealed);
}

/** Unwraps an account's private keys. Throws `open-failed`. */
export async function openAccountKeys(
  accountUid: Uid,
  dataKey: SymmetricKey,
  sealed: {
    readonly sealedEcdhKey: Uint8Array;
    readonly sealedSigningKey: Uint8Array;
    readonly sealedFormerEcdhKeys?: readonly Uint8Array[];
  },
): Promise<AccountKeys> {
  const ecdhKey = await openPrivateKey(dataKey, purposes.accountEcdhKey, accountUid, sealed.sealedEcdhKey);
  const signingKey = await openPrivateKey(
    dataKey,
    purposes.accountSigningKey,
    accountUid,
    sealed.sealedSigningKey,
  );
  const former = (sealed.sealedFormerEcdhKeys ?? []).slice(0, limits.keySuccessions);
  const formerKeys = await Promise.all(
    former.map((key) => openPrivateKey(dataKey, purposes.formerEcdhKey, accountUid, key)),
  );
  const ecdh = pairOf(ecdhKey);
  return {
    ...{ accountUid, dataKey, ecdh, formerEcdh: formerKeys.map(pairOf) },
    ...{ signer: signerOf(signingKey), signingKey },
  };
}

/** Opens what was sealed to the account's ECDH key, or to one that it had before. Throws what the newest key's failure is. */
export async function withEcdhKeys<T>(
  { ecdh, formerEcdh }: Pick<AccountKeys, 'ecdh' | 'formerEcdh'>,
  open: (pair: EcdhKeyPair) => Promise<T>,
): Promise<T> {
  try {
    return await open(ecdh);
  } catch (error) {
    if (formerEcdh.length === 0 || !(error instanceof ProtocolError) || error.code !== 'open-failed')
      throw error;
    return await Promise.any(formerEcdh.map(open)).catch(() => {
      throw error;
    });
  }
}

/** Every private key of an account, for whoever lets go of it. */
export function wipeAccountKeys({ ecdh, formerEcdh, signingKey }: AccountKeys): void {
  wipe(ecdh.privateKey, signingKey, ...formerEcdh.map(({ privateKey }) => privateKey));
}

function pairOf(privateKey: Bytes): EcdhKeyPair {
  return { privateKey, publicKey: ecdhPublicKey(privateKey) };
}

async function importDerived(raw: Bytes): Promise<SymmetricKey> {
  const key = await SymmetricKey.import(raw);
  wipe(raw);
  return key;
}

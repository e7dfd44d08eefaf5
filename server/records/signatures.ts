// Signatures of many changes at once, checked off the main thread. Clients check them again and rely on themselves alone.
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { encodeBase64url } from '../../protocol/bytes.ts';
import { encodeContext } from '../../protocol/crypto/context.ts';
import { signatureLength } from '../../protocol/crypto/ecdsa.ts';
import type { SignatureContext } from '../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Database, Tx } from '../store/database.ts';

/** Half the order of P-256: a signature with a greater s has a twin. */
const halfOrder = Buffer.from('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8', 'hex');

/** The account signing key of somebody who signs content. */
export async function signingKeyOf(db: Database | Tx, accountUid: Uid): Promise<KeyObject> {
  const { signing_public_key } = await db
    .selectFrom('account')
    .select('signing_public_key')
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  return verifyingKey(signing_public_key);
}

/** A public key (65 bytes) as it verifies here. */
export function verifyingKey(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ format: 'jwk', key: jwkOf(publicKey) });
}

export interface SignedBytes {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Throws `bad-signature` unless that key signed each of them in that context. */
export async function requireSignatures(
  key: KeyObject,
  context: SignatureContext,
  signed: readonly SignedBytes[],
): Promise<void> {
  const sound = await Promise.all(signed.map((one) => isSigned(key, context, one)));
  if (!sound.every(Boolean)) throw new ProtocolError('bad-signature');
}

function isSigned(
  key: KeyObject,
  context: SignatureContext,
  { message, signature }: SignedBytes,
): Promise<boolean> {
  if (signature.length !== signatureLength) return Promise.resolve(false);
  if (halfOrder.compare(signature.subarray(signatureLength / 2)) < 0) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify(
      'sha256',
      encodeContext(context, message),
      { key, dsaEncoding: 'ieee-p1363' },
      signature,
      (error, sound) => (error ? reject(error) : resolve(sound)),
    );
  });
}

function jwkOf(publicKey: Uint8Array) {
  const half = (publicKey.length - 1) / 2;
  return {
    kty: 'EC',
    crv: 'P-256',
    x: encodeBase64url(publicKey.subarray(1, 1 + half)),
    y: encodeBase64url(publicKey.subarray(1 + half)),
  };
}

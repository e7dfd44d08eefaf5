import { copy, equal, type Bytes } from '../bytes.ts';
import { checkPublicKey } from '../crypto/ecdh.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { AccountCertificateBodySchema, type AccountCertificate } from '../messages/gen/account_pb.js';
import { uidBytes, uidOf, type Uid } from '../uid.ts';

/** Who an account is: its UID and its two public keys, bound together by its own signature. protocol.md §6.2. */
export interface AccountIdentity {
  readonly accountUid: Uid;
  readonly ecdhPublicKey: Bytes;
  readonly signingPublicKey: Bytes;
}

/** Encoded body and the account's signature over it. */
export async function signAccountCertificate(
  signer: Signer,
  accountUid: Uid,
  ecdhPublicKey: Bytes,
): Promise<{ body: Bytes; signature: Bytes }> {
  const body = encodeMessage(AccountCertificateBodySchema, {
    accountUid: uidBytes(accountUid),
    ecdhPublicKey,
    signingPublicKey: signer.publicKey,
  });
  return { body, signature: await signer.sign(signatureContexts.accountCertificate, body) };
}

/** The identity that the certificate states. Throws `malformed` or `bad-signature`. */
export function verifyAccountCertificate(certificate: AccountCertificate): AccountIdentity {
  const body = decodeMessage(AccountCertificateBodySchema, certificate.body);
  checkPublicKey(body.ecdhPublicKey);
  checkPublicKey(body.signingPublicKey);
  verifySignature(
    body.signingPublicKey,
    signatureContexts.accountCertificate,
    certificate.body,
    certificate.signature,
  );
  return {
    accountUid: uidOf(body.accountUid),
    ecdhPublicKey: copy(body.ecdhPublicKey),
    signingPublicKey: copy(body.signingPublicKey),
  };
}

/** Throws `untrusted` unless the certificate states exactly this identity. */
export function requireIdentity(stated: AccountIdentity, expected: AccountIdentity): void {
  const same =
    stated.accountUid === expected.accountUid &&
    equal(stated.ecdhPublicKey, expected.ecdhPublicKey) &&
    equal(stated.signingPublicKey, expected.signingPublicKey);
  if (!same) throw new ProtocolError('untrusted', 'the certificate is of other keys');
}

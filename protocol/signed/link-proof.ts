import type { Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';

/** Who opens a link: the subject keeps a vault's proof from passing for a gateway's. */
export interface LinkProof {
  readonly subject: 'vault' | 'gateway';
  /** Device UID of a vault, client id of a gateway. */
  readonly identity: Uint8Array;
  readonly challenge: Uint8Array;
  /** LinkChannel.binding. */
  readonly binding: Uint8Array;
}

/** 64 bytes by the device key over the challenge, on this very link. protocol.md §11.2. */
export function signLinkProof(device: Signer, proof: LinkProof): Promise<Bytes> {
  return device.sign(signatureContexts.linkProof, signedBytes(proof));
}

/** Throws `bad-signature`. */
export function verifyLinkProof(devicePublicKey: Uint8Array, proof: LinkProof, signature: Uint8Array): void {
  verifySignature(devicePublicKey, signatureContexts.linkProof, signedBytes(proof), signature);
}

function signedBytes({ subject, identity, challenge, binding }: LinkProof): Bytes {
  return encodeContext(subject, identity, challenge, binding);
}

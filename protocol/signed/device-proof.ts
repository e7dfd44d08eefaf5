import type { Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';

/** What a device signs with each step of a login: that it has its key, for this login and this step alone. */
export interface DeviceProof {
  /** "Service/Method". */
  readonly method: string;
  /** 16 bytes, given by the server once. */
  readonly loginUid: Uint8Array;
  readonly deviceUid: Uint8Array;
}

/** 64 bytes by the device key. protocol.md §8.7. */
export function signDeviceProof(device: Signer, proof: DeviceProof): Promise<Bytes> {
  return device.sign(signatureContexts.deviceProof, signedBytes(proof));
}

/** Throws `bad-signature`. */
export function verifyDeviceProof(
  devicePublicKey: Uint8Array,
  proof: DeviceProof,
  signature: Uint8Array,
): void {
  verifySignature(devicePublicKey, signatureContexts.deviceProof, signedBytes(proof), signature);
}

function signedBytes({ method, loginUid, deviceUid }: DeviceProof): Bytes {
  return encodeContext(method, loginUid, deviceUid);
}

import { generateEcdhKeyPair } from './ecdh.ts';
import { signerOf, verifySignature } from './ecdsa.ts';
import { signatureContexts } from './labels.ts';

const message = new Uint8Array(32);
/** As often as the platform needs to see that it pays to compile them. */
const repeats = 6;

/**
 * Multiplies points with keys that are made for it and thrown away, a step at a time: tables are made and code is compiled,
 * which the signatures that an unlock checks would wait for.
 */
export async function* warmUpCurve(): AsyncGenerator<void> {
  for (let round = 0; round < repeats; round++) {
    const { privateKey, publicKey } = generateEcdhKeyPair();
    yield;
    const signature = await signerOf(privateKey).sign(signatureContexts.roster, message);
    yield;
    verifySignature(publicKey, signatureContexts.roster, message, signature);
    yield;
  }
}

import { expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerAside, signerOf, verifySignature } from '../../../protocol/crypto/ecdsa.ts';
import { signatureContexts } from '../../../protocol/crypto/labels.ts';

const { privateKey } = generateEcdhKeyPair();
const context = signatureContexts.recordingChunk;

test('whoever signs aside has the same key, and signs in the one valid form', async () => {
  const aside = signerAside(privateKey);
  expect(aside.publicKey).toEqual(signerOf(privateKey).publicKey);
  for (let byte = 0; byte < 40; byte++) {
    const message = Uint8Array.of(byte);
    const signature = await aside.sign(context, message);
    verifySignature(aside.publicKey, context, message, signature);
  }
});

test('what is no private key is refused at once', () => {
  expect(() => signerAside(new Uint8Array(32))).toThrow();
  expect(() => signerAside(new Uint8Array(31).fill(1))).toThrow();
});

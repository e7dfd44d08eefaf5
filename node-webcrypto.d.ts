import type { webcrypto } from 'node:crypto';

declare global {
  /** protocol/ names WebCrypto's key as pages do; Node's types have it in a module. */
  type CryptoKey = webcrypto.CryptoKey;
}

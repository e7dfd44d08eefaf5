/** protocol/ names WebCrypto's key as pages do; Node's types have it in a module. */
type CryptoKey = import('node:crypto').webcrypto.CryptoKey;

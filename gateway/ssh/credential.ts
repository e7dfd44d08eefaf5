/** What a login needs, as the linked record gives it. */
export interface SshCredential {
  readonly username: string;
  readonly password?: string;
  /** OpenSSH, PKCS#1, SEC1, PKCS#8 or PuTTY text. */
  readonly privateKey?: string;
  readonly passphrase?: string;
}

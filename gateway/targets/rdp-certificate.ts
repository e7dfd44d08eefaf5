import { createHash } from 'node:crypto';
import { isPinned } from '../ssh/host-key.ts';
import { SessionFailure, type HostKey } from '../terminal/failure.ts';

/** Bytes of a certificate that can be pinned: as text it must fit a control frame. One of RSA 4096 has 1.5 KiB. */
const mostCertificate = 4 * 1024;

/** By what an RDP target without a certificate of an authority is known, as an SSH target is by its host key. */
export interface CertificateTrust {
  /** "x509 base64" of a certificate, DER. Empty: the first use. */
  readonly pinned: readonly string[];
  /** Whether policy trusts one on first use; asked only when none is pinned. */
  readonly trustOnFirstUse: boolean;
}

/** The certificate that guacd must meet, which no authority vouches for. */
export interface TrustedCertificate {
  readonly hostKey: HostKey;
  readonly trustedOnFirstUse: boolean;
}

/** A certificate (DER) as it is pinned and as it is read aloud: its SHA-256, as Windows and openssl print it. */
export function describeCertificate(der: Buffer): HostKey {
  if (der.length > mostCertificate)
    throw new SessionFailure(
      'target',
      'certificate-untrusted',
      'the certificate is not trusted, and too long to keep',
    );
  const digest = createHash('sha256').update(der).digest('hex').toUpperCase();
  return { key: `x509 ${der.toString('base64')}`, fingerprint: digest.replace(/..(?!$)/g, '$&:') };
}

/** What {@link describeCertificate} described, DER. */
export function certificateIn({ key }: HostKey): Uint8Array {
  return Buffer.from(key.slice(key.indexOf(' ') + 1), 'base64');
}

/**
 * Whether a certificate may be the machine's. null: an authority that this machine trusts says so, and guacd checks that
 * by itself. Throws `host-key-mismatch` and `host-key-unknown` with what was shown.
 */
export function judgeCertificate(
  der: Buffer,
  authorized: boolean,
  { pinned, trustOnFirstUse }: CertificateTrust,
): TrustedCertificate | null {
  if (authorized && pinned.length === 0) return null;
  const hostKey = describeCertificate(der);
  if (isPinned(der, pinned)) return { hostKey, trustedOnFirstUse: false };
  if (pinned.length > 0) {
    const message = 'the certificate of the machine is not the pinned one';
    throw new SessionFailure('target', 'host-key-mismatch', message, hostKey);
  }
  if (trustOnFirstUse) return { hostKey, trustedOnFirstUse: true };
  const message = 'no authority that the gateway trusts vouches for the certificate, and none is pinned';
  throw new SessionFailure('target', 'host-key-unknown', message, hostKey);
}

import type { RecordView } from '../../../workers/api.ts';
import type { HostKeyOffer } from '../run-targets.ts';

const explained: Readonly<Record<string, { readonly unmet: string; readonly ofCertificate: string }>> = {
  'host-key-unknown': { unmet: 'host-key-unmet', ofCertificate: 'certificate-unknown' },
  'host-key-unmet': { unmet: 'host-key-unmet', ofCertificate: 'certificate-unmet' },
  'host-key-mismatch': { unmet: 'host-key-mismatch', ofCertificate: 'certificate-mismatch' },
};

/** What a person is asked to trust, so that the session may begin. */
export function asksForTrust(code: string): boolean {
  return code === 'host-key-unknown' || code === 'certificate-unknown';
}

/** The code by which a failure over what the machine showed is explained: by its kind, and by who may trust it. */
export function explainedCode(
  code: string,
  shown: Pick<HostKeyOffer, 'key'> | null,
  access: RecordView['access'],
): string {
  const byPerson = access === 'owner' ? code : (explained[code]?.unmet ?? code);
  return shown?.key.startsWith('x509 ') ? (explained[byPerson]?.ofCertificate ?? byPerson) : byPerson;
}

import { existsSync, readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { selfSignedFiles } from '../../server/tls/self-signed.ts';

/**
 * From now on this process trusts the certificate that the server of that data folder made for itself, as its clients were told
 * to. Where there is none yet, nothing is trusted: the server was never started with `--self-signed`.
 */
export function trustSelfSigned(dataFolder: string): void {
  const { certificate } = selfSignedFiles(dataFolder);
  if (!existsSync(certificate)) return;
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(certificate, 'utf8')]);
}

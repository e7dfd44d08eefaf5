import type { Logger } from '../log/logger.ts';
import type { Credential } from '../secrets/machine.ts';

/** No line of the log shows these credentials until the result is called. */
export function holdSecrets(log: Logger, credentials: readonly (Credential | null)[]): () => void {
  const holds: (() => void)[] = [];
  const release = () => holds.forEach((letGo) => letGo());
  try {
    for (const secret of credentials.flatMap(secretsOf)) holds.push(log.secrets.hold(secret));
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

function secretsOf(credential: Credential | null): readonly string[] {
  const { password, privateKey, passphrase } = credential ?? {};
  return [password, privateKey, passphrase].filter((secret) => secret !== undefined);
}

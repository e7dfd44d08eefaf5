// The methods of the secrets-manager API: what each reads, and what it does. protocol.md §31.3.
import { parseReadSecrets } from '../../protocol/secrets-manager/requests.ts';
import type { FilesOf } from './secret-files.ts';
import { reading, type SecretsMethods, type SecretsStore } from './method.ts';
import { getFolders, getSecret } from './read-secrets.ts';

export interface SecretsMethodParts extends SecretsStore {
  /** What records have of files, and the methods for these. */
  readonly files: { readonly filesOf: FilesOf; readonly methods: SecretsMethods };
}

export function secretsMethods({ db, files }: SecretsMethodParts): SecretsMethods {
  return new Map([
    ['get_secret', reading(parseReadSecrets, (call, payload) => getSecret(db, call, payload))],
    ['get_folders', reading(parseReadSecrets, async (call, payload) => getFolders(call, payload))],
    ...files.methods,
  ]);
}

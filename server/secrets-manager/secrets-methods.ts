// The methods of the secrets-manager API: what each reads, and what it does. protocol.md §31.3.
import {
  parseCreateFolder,
  parseCreateSecret,
  parseDeleteFolder,
  parseDeleteSecret,
  parseReadSecrets,
  parseTransactionEnd,
  parseUpdateFolder,
  parseUpdateSecret,
} from '../../protocol/secrets-manager/requests.ts';
import { AnswerCache } from './answer-cache.ts';
import { deleteFolders, deleteSecrets } from './deletions.ts';
import { createFolder, updateFolder } from './folder-writes.ts';
import { reading, writing, writingOnce, type SecretsMethods, type SecretsStore } from './method.ts';
import { getFolders } from './read-folders.ts';
import { getSecret } from './read-secrets.ts';
import { createSecret } from './record-creation.ts';
import { finalizeUpdate, rollbackUpdate } from './record-transactions.ts';
import { updateSecret } from './record-writes.ts';
import type { FilesOf } from './secret-files.ts';

export interface SecretsMethodParts extends SecretsStore {
  /** What records have of files, and the methods for these. */
  readonly files: { readonly filesOf: FilesOf; readonly methods: SecretsMethods };
}

export function secretsMethods({ db, head, files }: SecretsMethodParts): SecretsMethods {
  const store = { db, head };
  const parts = { db, filesOf: files.filesOf, cache: new AnswerCache() };
  return new Map([
    ['get_secret', reading(parseReadSecrets, (call, payload) => getSecret(parts, call, payload))],
    ['get_folders', reading(parseReadSecrets, (call, payload) => getFolders(db, call, payload))],
    ['update_secret', writing(store, parseUpdateSecret, updateSecret)],
    ['finalize_secret_update', writingOnce(store, parseTransactionEnd, finalizeUpdate)],
    ['rollback_secret_update', writingOnce(store, parseTransactionEnd, rollbackUpdate)],
    ['create_secret', writingOnce(store, parseCreateSecret, createSecret)],
    ['delete_secret', writingOnce(store, parseDeleteSecret, deleteSecrets)],
    ['create_folder', writingOnce(store, parseCreateFolder, createFolder)],
    ['update_folder', writingOnce(store, parseUpdateFolder, updateFolder)],
    ['delete_folder', writingOnce(store, parseDeleteFolder, deleteFolders)],
    ...files.methods,
  ]);
}

import type { SecretsService } from '../../protocol/messages/gen/secrets_pb.js';
import { signedIn, type Handlers } from '../api/call.ts';
import type { Database } from '../store/database.ts';
import { listClients } from './clients.ts';

/** Files have handlers of their own: secret-file-service.ts. */
export type SecretFileMethods =
  'startSecretFile' | 'putSecretFileChunk' | 'finishSecretFile' | 'getSecretFileChunk';

export interface SecretsParts {
  readonly db: Database;
}

/** protocol.md §31.4. What applications of the caller's account see and wrote; of no other's. */
export function secretsHandlers({ db }: SecretsParts): Pick<Handlers<typeof SecretsService>, 'listClients'> {
  return {
    listClients: signedIn(async (input, { session }) => ({
      clients: await listClients(db, session.accountUid, input),
    })),
  };
}

import type { SecretsService } from '../../protocol/messages/gen/secrets_pb.js';
import type { Uid } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import type { Database } from '../store/database.ts';
import { listClients } from './clients.ts';
import { listSecrets } from './list-secrets.ts';
import { listWrites } from './list-writes.ts';
import { putSecrets, removeSecrets } from './put-secrets.ts';
import { listEvents } from './secret-events.ts';
import { putSecretFolders } from './secret-folders.ts';
import { putSecretShares, removeSecretShares, type Asker } from './secret-shares.ts';
import { endTransaction, settleWrites } from './secret-writes.ts';

/** Files have handlers of their own: secret-file-service.ts. */
export type SecretFileMethods =
  'startSecretFile' | 'putSecretFileChunk' | 'finishSecretFile' | 'getSecretFileChunk';

export interface SecretsParts {
  readonly db: Database;
  /** Called when files may have gone with what named them. */
  readonly onFilesGone: () => void;
}

/** protocol.md §31.4. What applications of the caller's account see and wrote; of no other's. */
export function secretsHandlers({
  db,
  onFilesGone,
}: SecretsParts): Omit<Handlers<typeof SecretsService>, SecretFileMethods> {
  /** Gives whether files went with what it changed. */
  const change = <I>(
    run: (db: Database, accountUid: Uid, input: I, now: number) => Promise<boolean | void>,
  ) =>
    signedIn(async (input: I, { session, now }: SignedInCall) => {
      if (await run(db, session.accountUid, input, now)) onFilesGone();
      return {};
    });
  const list = <I, O>(run: (db: Database, accountUid: Uid, input: I) => Promise<O>) =>
    signedIn((input: I, { session }: SignedInCall) => run(db, session.accountUid, input));
  const share = <I>(run: (db: Database, asker: Asker, input: I) => Promise<void>) =>
    signedIn(async (input: I, { session: { accountUid }, address, now }: SignedInCall) => {
      await run(db, { accountUid, address, now }, input);
      return {};
    });

  return {
    listSecrets: list(listSecrets),
    putSecrets: change(putSecrets),
    removeSecrets: change(removeSecrets),
    putSecretFolders: change(putSecretFolders),
    putSecretShares: share(putSecretShares),
    removeSecretShares: share(removeSecretShares),
    listSecretWrites: list(listWrites),
    settleSecretWrites: change(settleWrites),
    endSecretTransaction: change(endTransaction),
    listClients: list(listClients),
    listSecretEvents: list(listEvents),
  };
}

import { AccountService } from '../../../protocol/messages/gen/account_pb.js';
import type { ApiClient } from '../connection/api-client.ts';
import { startRegistration } from '../sign-in/opaque.ts';
import { wrapDataKey } from './registration.ts';
import type { SignedIn } from './signed-in.ts';

/**
 * Sets a new master password for an account that has just signed in: a new OPAQUE record, and the same data key
 * under the new export key. Ends every other session of the account.
 */
export async function registerPassword(api: ApiClient, signedIn: SignedIn, password: string): Promise<void> {
  const { account, dataKey, session } = signedIn;
  const attempt = await startRegistration(password);
  const started = await api.call(
    AccountService.method.startPasswordChange,
    { passwordRequest: attempt.request },
    session,
  );
  const { record, exportKey } = attempt.finish(started.passwordResponse);
  await api.call(
    AccountService.method.finishPasswordChange,
    {
      registrationUid: started.registrationUid,
      passwordRecord: record,
      passwordSealedDataKey: await wrapDataKey(exportKey, 'password', account.keys.accountUid, dataKey),
    },
    session,
  );
}

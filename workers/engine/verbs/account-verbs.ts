import type { AccountVerbs } from '../../api.ts';
import { AccountService } from '../../../protocol/messages/gen/account_pb.js';
import type { EngineCore } from '../core.ts';

/** Sign-in, lock and everything that changes who is signed in. */
export function accountVerbs(core: EngineCore): AccountVerbs {
  const { accounts, api, board, signIn } = core;
  return {
    watch: async (listener) => {
      await core.started;
      board.watch(listener);
    },
    getServerInfo: async () => {
      const { version, needsSetup, openSignUp } = await api.call(AccountService.method.getServerInfo, {});
      return { version, needsSetup, openSignUp };
    },
    draftRecoveryPhrase: async () => accounts.draftRecoveryPhrase(),
    discardRecoveryPhrase: async () => accounts.discardRecoveryPhrase(),
    createAccount: (input) => core.inTurn(async () => core.enter(await accounts.create(input))),
    signIn: (input) => core.inTurn(() => signIn.signIn(input)),
    recover: (input) => core.inTurn(() => signIn.recover(input)),
    unlock: ({ password }) => core.inTurn(() => signIn.unlock(password)),
    lock: () => core.lock(),
    signOut: (input) => core.inTurn(() => core.signOut(input?.everywhere ?? false)),
    changePassword: (input) => core.inTurn(() => signIn.changePassword(input)),
    deleteAccount: (input) => core.inTurn(() => signIn.deleteAccount(input)),
    setIdleLock: async (minutes) => core.idle.set(minutes),
    reportUse: () => core.reportUse(),
  };
}

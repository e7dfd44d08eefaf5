import type { AccountVerbs } from '../../api.ts';
import { AccountService } from '../../../protocol/messages/gen/account_pb.js';
import type { EngineCore } from '../core.ts';

/** Sign-in, lock and everything that changes who is signed in. */
export function accountVerbs(core: EngineCore): AccountVerbs {
  const { accounts, api, board } = core;
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
    signIn: (input) => core.inTurn(async () => core.enter(await accounts.signIn(input))),
    recover: (input) => core.inTurn(async () => core.enter(await accounts.recover(input))),
    unlock: ({ password }) => core.inTurn(() => core.unlock(password)),
    lock: () => core.lock(),
    signOut: (input) => core.inTurn(() => core.signOut(input?.everywhere ?? false)),
    changePassword: (input) =>
      core.inTurn(async () => {
        const vault = core.unlocked();
        await accounts.changePassword(vault.account, input, (session) => vault.session.replace(session));
        vault.link.restart();
      }),
    setIdleLock: async (minutes) => core.idle.set(minutes),
    reportUse: () => core.reportUse(),
  };
}

import type { SignInVerbs } from '../../api/sign-in.ts';
import type { EngineCore } from '../core.ts';

/** Logins of more than one step, and passkeys. What waits for a person does not hold up the verbs in turn. */
export function signInVerbs(core: EngineCore): SignInVerbs {
  const { signIn } = core;
  return {
    completeSignIn: (answer) => core.inTurn(() => signIn.complete(answer)),
    awaitApproval: () => signIn.awaitApproval(),
    cancelSignIn: () => signIn.cancel(),
    startPasskey: async (purpose) => {
      if (purpose === 'sign-in') return await signIn.door.ask();
      return await signIn.door.askToUnlock((await core.accounts.stored())?.passkeys ?? []);
    },
    signInByPasskey: (answer) => core.inTurn(() => signIn.signInByPasskey(answer)),
    unlockByPasskey: (answer) => core.inTurn(() => signIn.unlockByPasskey(answer)),
    confirmIdentity: ({ password }) => core.inTurn(() => signIn.confirm(password)),
    confirmByPasskey: (answer) => core.inTurn(() => signIn.confirmByPasskey(answer)),
  };
}

import type { FactorVerbs } from '../../api/factors.ts';
import type { EngineCore } from '../core.ts';

/** Second factors and passkeys of the unlocked account. */
export function factorVerbs(core: EngineCore): FactorVerbs {
  const factors = () => core.unlocked().factors;
  const passkeys = () => core.unlocked().passkeys;
  return {
    listSecondFactors: async () => await factors().list(),
    startAuthenticatorApp: async () => await factors().startApp(),
    finishAuthenticatorApp: async (input) => await factors().finishApp(input),
    startSecurityKey: async () => await factors().startKey(),
    finishSecurityKey: async (input) => await factors().finishKey(input),
    renameSecondFactor: async ({ uid, name }) => await factors().rename(uid, name),
    removeSecondFactor: async (uid) => await factors().remove(uid),
    renewBackupCodes: async () => await factors().renewBackupCodes(),
    listPasskeys: async () => await passkeys().list(),
    startNewPasskey: async () => await passkeys().start(),
    finishNewPasskey: async (input) => await passkeys().finish(input),
    renamePasskey: async ({ uid, name }) => await passkeys().rename(uid, name),
    removePasskey: async (uid) => await passkeys().remove(uid),
  };
}

import { ProtocolError } from '../../protocol/errors.ts';
import { newUid } from '../../protocol/uid.ts';
import type {
  DeviceRequestView,
  DeviceVerbs,
  DeviceView,
  FactorVerbs,
  PasskeyView,
  SecondFactorView,
  SignInVerbs,
  VaultState,
} from '../../workers/api.ts';

const done = { kind: 'done' } as const;
const words = ['abandon', 'ability', 'able', 'about', 'above', 'absent'];

/** The code that a fake sign-in takes. */
export const rightCode = '123456';

/** Devices, factors and further steps of a sign-in, in memory. */
export function createFakeAccount(
  set: (change: Partial<VaultState>) => void,
  no: () => never,
): SignInVerbs & FactorVerbs & DeviceVerbs {
  let factors: SecondFactorView[] = [];
  let passkeys: PasskeyView[] = [];
  let approval = false;
  let requests: DeviceRequestView[] = [];
  let devices: DeviceView[] = [
    { name: 'Chromium on Linux', current: true, network: '192.0.2.7' },
    { name: 'Firefox on Windows', current: false, network: '2001:db8:1:2::/64' },
  ].map((device) => ({
    ...device,
    ...{ uid: newUid(), words, createdAt: Date.now() - 86_400_000, lastSeenAt: Date.now() - 60_000 },
    ...{ signedIn: true, trustedUntil: 0 },
  }));
  let version = 1;
  const changed = () => set({ accountVersion: ++version });
  const add = (kind: SecondFactorView['kind'], name: string) => {
    factors = [...factors, { uid: newUid(), kind, name, createdAt: Date.now(), lastUsedAt: 0 }];
    changed();
    return { backupCodes: factors.length === 1 ? ['abcd-efgh-jkmn'] : [] };
  };

  return {
    completeSignIn: async (answer) => {
      if (!('code' in answer) || answer.code !== rightCode) throw new ProtocolError('login-refused');
      set({ phase: 'unlocked', renewal: null });
      return done;
    },
    awaitApproval: async () => no(),
    cancelSignIn: async () => {},
    startPasskey: async () => no(),
    signInByPasskey: async () => no(),
    unlockByPasskey: async () => no(),
    confirmIdentity: async () => done,
    confirmByPasskey: async () => no(),
    listSecondFactors: async () => ({ factors, backupCodesLeft: factors.length > 0 ? 10 : 0 }),
    startAuthenticatorApp: async () => ({
      secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
      uri: 'otpauth://totp/Sallyport:ada@example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Sallyport',
    }),
    finishAuthenticatorApp: async ({ code, name }) => {
      if (code !== rightCode) throw new ProtocolError('login-refused');
      return add('totp', name);
    },
    startSecurityKey: async () => no(),
    finishSecurityKey: async ({ name }) => add('security-key', name),
    renameSecondFactor: async ({ uid, name }) => {
      factors = factors.map((factor) => (factor.uid === uid ? { ...factor, name } : factor));
      changed();
    },
    removeSecondFactor: async (uid) => {
      factors = factors.filter((factor) => factor.uid !== uid);
      changed();
    },
    renewBackupCodes: async () => ['abcd-efgh-jkmn'],
    listPasskeys: async () => passkeys,
    startNewPasskey: async () => no(),
    finishNewPasskey: async () => no(),
    renamePasskey: async ({ uid, name }) => {
      passkeys = passkeys.map((passkey) => (passkey.uid === uid ? { ...passkey, name } : passkey));
      changed();
    },
    removePasskey: async (uid) => {
      passkeys = passkeys.filter((passkey) => passkey.uid !== uid);
      changed();
    },
    listDevices: async () => ({ devices, approval }),
    renameDevice: async ({ uid, name }) => {
      devices = devices.map((device) => (device.uid === uid ? { ...device, name } : device));
      changed();
    },
    revokeDevice: async (uid) => {
      devices = devices.filter((device) => device.uid !== uid);
      changed();
    },
    endTrust: async () => {},
    setDeviceApproval: async (wanted) => {
      approval = wanted;
      changed();
    },
    listDeviceRequests: async () => requests,
    decideDevice: async ({ uid }) => {
      requests = requests.filter((request) => request.uid !== uid);
      changed();
    },
  };
}

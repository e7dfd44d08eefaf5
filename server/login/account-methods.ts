import { AccountService } from '../../protocol/messages/gen/account_pb.js';
import { DeviceService } from '../../protocol/messages/gen/device_pb.js';
import { PasskeyService, SecondFactorService } from '../../protocol/messages/gen/factor_pb.js';
import { KeyRotationService } from '../../protocol/messages/gen/key-rotation_pb.js';
import { RecoveryService } from '../../protocol/messages/gen/recovery_pb.js';
import { methodsOf, type Method } from '../api/dispatcher.ts';
import { deviceHandlers } from '../devices/device-service.ts';
import { keyRotationHandlers } from '../key-rotation/key-rotation-service.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { recoveryHandlers } from '../recovery/recovery-service.ts';
import { accountHandlers, type AccountParts } from './account-service.ts';
import { Opaque } from './opaque.ts';
import { passkeyHandlers } from './passkey-service.ts';
import { secondFactorHandlers } from './second-factor-service.ts';
import { SecondFactors } from './second-factors.ts';
import { LoginThrottle, type LoginRates } from './throttle.ts';

export interface AccountMethodsParts extends Omit<AccountParts, 'opaque' | 'factors' | 'codeThrottle'> {
  readonly ring: KeyRing;
  readonly codeRates: LoginRates;
}

/** Every service of who may open an account, and from where: they share keys and throttles. */
export async function accountMethods(given: AccountMethodsParts): Promise<[string, Method][]> {
  const opaque = await Opaque.load(given.ring.opaqueSetup);
  const factors = await SecondFactors.load(given.ring.secondFactorKey);
  const parts = { ...given, opaque, factors, codeThrottle: new LoginThrottle(given.codeRates) };
  return [
    ...methodsOf(AccountService, accountHandlers(parts)),
    ...methodsOf(SecondFactorService, secondFactorHandlers(parts)),
    ...methodsOf(PasskeyService, passkeyHandlers(parts)),
    ...methodsOf(DeviceService, deviceHandlers(parts)),
    ...methodsOf(RecoveryService, recoveryHandlers(parts)),
    ...methodsOf(KeyRotationService, keyRotationHandlers(parts)),
  ];
}

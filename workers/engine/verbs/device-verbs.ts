import type { DeviceVerbs } from '../../api/devices.ts';
import type { EngineCore } from '../core.ts';

/** Devices of the unlocked account. */
export function deviceVerbs(core: EngineCore): DeviceVerbs {
  const devices = () => core.unlocked().devices;
  return {
    listDevices: async () => await devices().list(),
    renameDevice: async ({ uid, name }) => await devices().rename(uid, name),
    revokeDevice: async (uid) => await devices().revoke(uid),
    endTrust: async (uid) => await devices().endTrust(uid),
    setDeviceApproval: async (approval) => await devices().setApproval(approval),
    listDeviceRequests: async () => await devices().listRequests(),
    decideDevice: async ({ uid, approve }) => await devices().decide(uid, approve),
  };
}

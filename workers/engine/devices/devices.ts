import type { DeviceList, DeviceRequestView } from '../../api/devices.ts';
import { DeviceService } from '../../../protocol/messages/gen/device_pb.js';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { deviceWords } from './device-words.ts';
import type { VaultSession } from '../connection/vault-session.ts';

const { method } = DeviceService;

/** Devices of an open account, as the server tells of them. */
export class Devices {
  readonly #session: VaultSession;

  constructor(session: VaultSession) {
    this.#session = session;
  }

  async list(): Promise<DeviceList> {
    const { devices, approval } = await this.#session.call(method.listDevices, {});
    const views = devices.map((device) => ({
      uid: uidOf(device.deviceUid),
      name: device.name,
      words: deviceWords(device.publicKey),
      createdAt: Number(device.createdAtMs),
      lastSeenAt: Number(device.lastSeenAtMs),
      network: device.network,
      current: device.current,
      signedIn: device.signedIn,
      trustedUntil: Number(device.trustedUntilMs),
    }));
    return { devices: views, approval };
  }

  async rename(uid: Uid, name: string): Promise<void> {
    await this.#session.call(method.renameDevice, { deviceUid: uidBytes(uid), name });
  }

  async revoke(uid: Uid): Promise<void> {
    await this.#session.call(method.revokeDevice, { deviceUid: uidBytes(uid) });
  }

  async endTrust(uid: Uid): Promise<void> {
    await this.#session.call(method.endTrust, { deviceUid: uidBytes(uid) });
  }

  async setApproval(approval: boolean): Promise<void> {
    await this.#session.call(method.setDeviceApproval, { approval });
  }

  async listRequests(): Promise<DeviceRequestView[]> {
    const { requests } = await this.#session.call(method.listDeviceRequests, {});
    return requests.map((request) => ({
      uid: uidOf(request.requestUid),
      name: request.name,
      words: deviceWords(request.publicKey),
      network: request.network,
      requestedAt: Number(request.requestedAtMs),
      expiresAt: Number(request.expiresAtMs),
    }));
  }

  async decide(uid: Uid, approve: boolean): Promise<void> {
    await this.#session.call(method.decideDevice, { requestUid: uidBytes(uid), approve });
  }
}

import type { Uid } from '../../protocol/uid.ts';

/** Devices of the open account. */
export interface DeviceVerbs {
  listDevices(): Promise<DeviceList>;
  renameDevice(input: { uid: Uid; name: string }): Promise<void>;
  /** Ends its sessions at once. Its key is never accepted again. */
  revokeDevice(uid: Uid): Promise<void>;
  /** From its next login on, the device is asked for the second factor again. */
  endTrust(uid: Uid): Promise<void>;
  /** Whether new devices wait until a signed-in one approves. Throws `login-too-old` without a fresh login. */
  setDeviceApproval(approval: boolean): Promise<void>;
  /** Devices that wait right now. */
  listDeviceRequests(): Promise<readonly DeviceRequestView[]>;
  /** Throws `not-found` when it was decided elsewhere or waits no more. */
  decideDevice(input: { uid: Uid; approve: boolean }): Promise<void>;
}

export interface DeviceList {
  readonly devices: readonly DeviceView[];
  /** New devices need approval. */
  readonly approval: boolean;
}

export interface DeviceView {
  readonly uid: Uid;
  readonly name: string;
  /** Six words of its key. */
  readonly words: readonly string[];
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** Of its last call: an IPv4 address, or the /64 of an IPv6 one. */
  readonly network: string;
  readonly current: boolean;
  readonly signedIn: boolean;
  /** Until then it is not asked for the second factor; 0: it is. */
  readonly trustedUntil: number;
}

export interface DeviceRequestView {
  readonly uid: Uid;
  readonly name: string;
  /** To be the same as on the device that waits. */
  readonly words: readonly string[];
  readonly network: string;
  readonly requestedAt: number;
  readonly expiresAt: number;
}

import type { Uid } from '../../protocol/uid.ts';

/** Gateways: made, listed and asked about themselves. */
export interface GatewayVerbs {
  listGateways(): Promise<GatewayView[]>;
  /** The token is shown once and not kept. */
  createGateway(input: { name: string }): Promise<{ gatewayUid: Uid; token: string; expiresAt: number }>;
  /** Removes the gateway, its application and its configuration record. */
  deleteGateway(gatewayUid: Uid): Promise<void>;
  readGatewayInfo(gatewayUid: Uid): Promise<GatewayInfoView>;
  /** What runs there: of everybody for an administrator, else one's own. */
  listTasks(gatewayUid: Uid): Promise<TaskView[]>;
  /** Ends a session there, one's own or as an administrator anybody's, who is told by whom and why. `refused`: the gateway's code. */
  endTask(input: EndTask): Promise<void>;
}

export interface EndTask {
  readonly gatewayUid: Uid;
  readonly taskUid: Uid;
  /** One line; empty: none. */
  readonly reason: string;
}

export interface GatewayView {
  readonly uid: Uid;
  readonly name: string;
  readonly configurationUid: Uid;
  readonly status: 'waiting' | 'expired' | 'offline' | 'online' | 'untrusted';
  readonly since: number;
  readonly version: string;
  readonly address: string;
  readonly tokenExpiresAt: number;
}

export interface GatewayInfoView {
  readonly version: string;
  readonly hostname: string;
  readonly system: string;
  readonly startedAt: number;
  readonly memoryUsed: number;
  readonly memoryTotal: number;
  readonly sessions: number;
  readonly guacdAddress: string;
  readonly guacdReachable: boolean;
  readonly rosterVersion: number;
  /** On their way to the server. */
  readonly recordingsWaiting: number;
  /** Which the server refused for good: they stay on the gateway, sealed. */
  readonly recordingsRefused: number;
  /** The server has no room for those that wait. */
  readonly recordingsNoRoom: boolean;
  /** Bytes of both. */
  readonly recordingsBytes: number;
}

export interface TaskView {
  readonly uid: Uid;
  readonly kind: string;
  readonly recordUid: Uid | null;
  readonly accountUid: Uid | null;
  /** Whose it is, by the roster; empty: somebody who is in it no more. */
  readonly email: string;
  readonly startedAt: number;
  readonly protocol: string;
  /** Of a guest or somebody who looks on: whose session they are in. */
  readonly hostUid: Uid | null;
  readonly recorded: boolean;
  /** The machine's record lets administrators look on. */
  readonly watchable: boolean;
}

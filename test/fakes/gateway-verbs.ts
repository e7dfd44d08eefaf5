import { newUid, type Uid } from '../../protocol/uid.ts';
import type { GatewayView, GatewayVerbs, TaskView } from '../../workers/api.ts';

/** Gateways in memory, and what one of them would say of itself. */
export function createFakeGateways(
  gateways: GatewayView[],
  records: ReadonlyMap<Uid, unknown>,
  changed: () => void,
): GatewayVerbs {
  const session = newUid();
  const ended = new Set<Uid>();
  const tasks = (): TaskView[] => {
    const recordUid = [...records.keys()][0] ?? null;
    const told = { kind: 'session', email: 'ben@example.test', protocol: 'ssh' };
    const place = { accountUid: null, hostUid: null, recorded: false, watchable: true };
    const running = { ...told, ...place, uid: session, recordUid, startedAt: Date.now() - 240_000 };
    return ended.has(session) ? [] : [running];
  };
  return {
    listGateways: async () => [...gateways],
    createGateway: async ({ name }) => {
      const uid = newUid();
      const expiresAt = Date.now() + 3_600_000;
      gateways.push({
        uid,
        name,
        configurationUid: newUid(),
        status: 'waiting',
        since: 0,
        version: '',
        address: '',
        tokenExpiresAt: expiresAt,
      });
      changed();
      return { gatewayUid: uid, token: 'GW1.b2F5LXRva2VuLWZvci1sb29raW5nLWF0LXNjcmVlbnM', expiresAt };
    },
    deleteGateway: async (uid) => {
      gateways.splice(
        gateways.findIndex((gateway) => gateway.uid === uid),
        1,
      );
      changed();
    },
    readGatewayInfo: async () => ({
      version: '0.1.0',
      hostname: 'bastion-01',
      system: 'Debian GNU/Linux 12, Linux 6.1, x64',
      startedAt: Date.now() - 86_400_000 * 3,
      memoryUsed: 96 * 1024 * 1024,
      memoryTotal: 2048 * 1024 * 1024,
      sessions: 2,
      guacdAddress: '127.0.0.1:4822',
      guacdReachable: true,
      ...{ recordingsWaiting: 0, recordingsRefused: 0, recordingsBytes: 0, recordingsNoRoom: false },
      rosterVersion: 4,
    }),
    listTasks: async () => tasks(),
    endTask: async ({ taskUid }) => void ended.add(taskUid),
  };
}

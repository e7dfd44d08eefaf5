import type { GatewayVerbs } from '../../api.ts';
import type { EngineCore } from '../core.ts';

/** Gateways of the unlocked vault. */
export function gatewayVerbs(core: EngineCore): GatewayVerbs {
  const gateways = () => core.unlocked().gateways;
  return {
    listGateways: async () => await gateways().list(),
    createGateway: async ({ name }) => {
      const created = await gateways().create(name);
      core.board.gatewaysChanged();
      return created;
    },
    deleteGateway: async (gatewayUid) => {
      await gateways().remove(gatewayUid);
      core.board.gatewaysChanged();
    },
    readGatewayInfo: async (gatewayUid) => await core.unlocked().commands.readInfo(gatewayUid),
    listTasks: async (gatewayUid) => await core.unlocked().commands.listTasks(gatewayUid),
    endTask: async ({ gatewayUid, taskUid, reason }) =>
      await core.unlocked().commands.endSession(await gateways().find(gatewayUid), taskUid, reason),
  };
}

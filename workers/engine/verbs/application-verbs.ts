import type { ApplicationVerbs } from '../../api.ts';
import type { EngineCore } from '../core.ts';

/** General applications of the unlocked vault, and their devices. */
export function applicationVerbs(core: EngineCore): ApplicationVerbs {
  const secrets = () => core.unlocked().secrets;
  /** Lists answer otherwise from then on. */
  const changing = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    core.board.applicationsChanged();
    return result;
  };
  return {
    listApplications: async () => await secrets().list(),
    listApplicationsOf: async (objectUid) => await secrets().waysTo(objectUid),
    createApplication: async ({ name }) => await changing(secrets().applications.create(name)),
    renameApplication: async ({ applicationUid, name }) =>
      await changing(secrets().applications.rename(applicationUid, name)),
    deleteApplication: async (applicationUid) =>
      await changing(secrets().applications.remove(applicationUid)),
    shareToApplication: async (input) => await changing(secrets().shares.add(input)),
    unshareFromApplication: async ({ applicationUid, objectUids }) =>
      await changing(secrets().shares.remove(applicationUid, objectUids)),
    listApplicationClients: async (applicationUid) => await secrets().clients.list(applicationUid),
    addApplicationClient: async (input) => await changing(secrets().clients.add(input)),
    renameApplicationClient: async ({ clientId, name }) =>
      await changing(secrets().clients.rename(clientId, name)),
    removeApplicationClient: async (clientId) => await changing(secrets().clients.remove(clientId)),
    listApplicationEvents: async ({ applicationUid, before = 0 }) =>
      await secrets().events(applicationUid, before),
    listApplicationChanges: async () => await secrets().listChanges(),
    settleApplicationChange: async ({ change, accept }) =>
      await changing(secrets().settleChange(change, accept)),
  };
}

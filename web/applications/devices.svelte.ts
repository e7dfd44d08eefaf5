import type { Uid } from '../../protocol/uid.ts';
import type { ApplicationClientView } from '../../workers/api.ts';
import { LatestWins } from '../state/latest-wins.ts';
import type { Vault } from '../state/vault.svelte.ts';

/** The devices of one application, read anew when applications change. Lives as long as its component. */
export class Devices {
  /** Null before the first answer. */
  all = $state.raw<readonly ApplicationClientView[] | null>(null);
  failure = $state.raw<unknown>(null);

  constructor(vault: Vault, applicationUid: () => Uid) {
    const list = new LatestWins<Uid, readonly ApplicationClientView[]>(
      (uid) => vault.verbs.listApplicationClients(uid),
      (all) => Object.assign(this, { all, failure: null }),
      (failure) => (this.failure = failure),
    );
    $effect(() => {
      void vault.state.applicationsVersion;
      list.request(applicationUid());
    });
  }
}

import type { Rekeyed, SharingVerbs } from '../../api/sharing.ts';
import { AccessViews } from './access-views.ts';
import { ContactPins } from './contact-pins.ts';
import { FolderShares } from './folder-shares.ts';
import { RecordShares } from './record-shares.ts';
import { Rekeying } from './rekeying.ts';
import { TeamGrants } from './team-grants.ts';
import { SharingOffice, type SharingParts } from './sharing-office.ts';

/** The sharing verbs of an unlocked vault. */
export class SharingDesk {
  readonly records: RecordShares;
  readonly folders: FolderShares;
  readonly views: AccessViews;
  readonly #office: SharingOffice;
  readonly #teams: TeamGrants;

  constructor(parts: Omit<SharingParts, 'pins'>) {
    this.#office = new SharingOffice({ ...parts, pins: new ContactPins(parts) });
    const rekeying = new Rekeying(this.#office);
    this.records = new RecordShares(this.#office, rekeying);
    this.folders = new FolderShares(this.#office, rekeying);
    this.views = new AccessViews(this.#office);
    this.#teams = new TeamGrants({ office: this.#office, rekeying, folders: this.folders });
  }

  /** The roster may be another one: what was given to teams follows their keys. */
  async followTeams(): Promise<void> {
    await this.#teams.follow();
  }

  unshare(input: Parameters<SharingVerbs['unshare']>[0]): Promise<Rekeyed> {
    const isFolder = this.#office.parts.shares.shares.folders.has(input.objectUid);
    return isFolder ? this.folders.unshare(input) : this.records.unshare(input);
  }
}

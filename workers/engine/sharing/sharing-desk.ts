import type { Rekeyed, SharingVerbs } from '../../api/sharing.ts';
import { AccessViews } from './access-views.ts';
import { ContactPins } from './contact-pins.ts';
import { FolderShares } from './folder-shares.ts';
import { KeyRenewal } from './key-renewal.ts';
import { RecordShares } from './record-shares.ts';
import { Rekeying } from './rekeying.ts';
import { RevocationRecords } from './revocation-records.ts';
import { SharingOffice, type SharingParts } from './sharing-office.ts';

/** The sharing verbs of an unlocked vault. */
export class SharingDesk {
  readonly records: RecordShares;
  readonly folders: FolderShares;
  readonly views: AccessViews;
  readonly #office: SharingOffice;
  readonly #renewal: KeyRenewal;

  constructor(parts: Omit<SharingParts, 'pins' | 'revocations'>) {
    const [pins, revocations] = [new ContactPins(parts), new RevocationRecords(parts)];
    this.#office = new SharingOffice({ ...parts, pins, revocations });
    const rekeying = new Rekeying(this.#office);
    this.records = new RecordShares(this.#office, rekeying);
    this.folders = new FolderShares(this.#office, rekeying);
    this.views = new AccessViews(this.#office);
    this.#renewal = new KeyRenewal({ office: this.#office, rekeying, folders: this.folders });
  }

  /** What this account took back counts no more: as its devices wrote it. To be called before anything is adopted. */
  async recall(): Promise<void> {
    await this.#office.parts.revocations.load();
  }

  /** Replaces the keys that somebody has who is out: after a sync, or under another roster. */
  async renewKeys(): Promise<void> {
    await this.#renewal.run();
  }

  unshare(input: Parameters<SharingVerbs['unshare']>[0]): Promise<Rekeyed> {
    const isFolder = this.#office.parts.shares.shares.folders.has(input.objectUid);
    return isFolder ? this.folders.unshare(input) : this.records.unshare(input);
  }
}

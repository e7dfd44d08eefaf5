import type { Rekeyed, SharingVerbs } from '../../api/sharing.ts';
import { limits } from '../../../protocol/limits.ts';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import { AccessViews } from './access-views.ts';
import { ContactPins } from './contact-pins.ts';
import { FolderEntries } from './folder-entries.ts';
import { FolderShares } from './folder-shares.ts';
import { FolderWriter } from './folder-writer.ts';
import { KeyRenewal } from './key-renewal.ts';
import { RecordShares } from './record-shares.ts';
import { Rekeying } from './rekeying.ts';
import { RevocationRecords } from './revocation-records.ts';
import { SharingOffice, type SharingParts } from './sharing-office.ts';
import { Subfolders } from './subfolders.ts';

/** The sharing verbs of an unlocked vault. */
export class SharingDesk {
  readonly records: RecordShares;
  readonly folders: FolderWriter;
  readonly members: FolderShares;
  readonly entries: FolderEntries;
  readonly subfolders: Subfolders;
  readonly views: AccessViews;
  readonly #office: SharingOffice;
  readonly #renewal: KeyRenewal;

  constructor(parts: Omit<SharingParts, 'pins' | 'revocations'>) {
    const [pins, revocations] = [new ContactPins(parts), new RevocationRecords(parts)];
    const office = new SharingOffice({ ...parts, pins, revocations });
    const [rekeying, writer] = [new Rekeying(office), new FolderWriter(office)];
    const entries = new FolderEntries({ office, rekeying, writer });
    this.#office = office;
    this.records = new RecordShares(office, rekeying);
    this.folders = writer;
    this.members = new FolderShares({ office, rekeying, writer, entries });
    this.entries = entries;
    this.subfolders = new Subfolders({ office, writer, entries });
    this.views = new AccessViews(office);
    this.#renewal = new KeyRenewal({ office, rekeying, folders: this.members, entries });
  }

  /** What this account took back counts no more: as its devices wrote it. To be called before anything is adopted. */
  async recall(): Promise<void> {
    await this.#office.parts.revocations.load();
  }

  /** For whoever seals all of it anew. */
  get office(): SharingOffice {
    return this.#office;
  }

  /** Pins of people whose pinned keys signed over to others go on to those. */
  async followSuccessions(): Promise<void> {
    const { pins, rosters, isComplete } = this.#office.parts;
    if (isComplete()) await pins.follow(rosters.roster.members);
  }

  /** Replaces the keys that somebody has who is out: after a sync, or under another roster. */
  async renewKeys(): Promise<void> {
    await this.#renewal.run();
  }

  /** Part by part: what was left stays left, whatever becomes of the rest. */
  async leave(granterUid: Uid): Promise<number> {
    const { session, sync } = this.#office.parts;
    let count = 0;
    try {
      for (let more = true; more;) {
        const { left, hasMore } = await session.call(SharingService.method.leaveShares, {
          granterUid: uidBytes(granterUid),
        });
        count += left;
        more = hasMore && left > 0 && count < limits.shares.toOne;
      }
    } finally {
      if (count > 0) await sync();
    }
    return count;
  }

  unshare(input: Parameters<SharingVerbs['unshare']>[0]): Promise<Rekeyed> {
    const isFolder = this.#office.parts.shares.shares.folders.has(input.objectUid);
    return isFolder ? this.members.unshare(input) : this.records.unshare(input);
  }
}

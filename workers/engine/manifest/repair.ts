import type { RepairFigures } from '../../api/records.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import type { VaultSession } from '../connection/vault-session.ts';
import type { ManifestKeeper } from './manifest-keeper.ts';
import type { OwnWrites } from './own-writes.ts';

export interface RepairParts {
  readonly session: VaultSession;
  readonly manifest: ManifestKeeper;
  readonly writes: OwnWrites;
  /** Asks for everything once more; whether all of it fits then. */
  readonly look: () => Promise<boolean>;
  /** How many own things of this device the server does not show. */
  readonly missing: () => number;
  /** How many own things are here. */
  readonly here: () => number;
}

/**
 * Makes the manifest anew from what is here, for a vault whose manifest covers what nobody has: after a person confirmed
 * it, never by itself. Own records that are here were signed or covered once (§15.4); nothing else is taken in.
 */
export class Repair {
  readonly #parts: RepairParts;

  constructor(parts: RepairParts) {
    this.#parts = parts;
  }

  /** Asks for everything once more. */
  async read(): Promise<RepairFigures> {
    await this.#parts.look();
    return this.#figures();
  }

  /**
   * `seen`: what a person was shown and agreed to; others by now throw `conflict`. Throws `not-allowed` while the server
   * keeps back what this device has: that is lost to other devices otherwise; `untrusted` while it shows a former roster.
   */
  async run(seen: RepairFigures): Promise<void> {
    const { session, manifest, writes, look, missing } = this.#parts;
    await writes.alone(async () => {
      if (await look()) return;
      if (missing() > 0) throw new ProtocolError('not-allowed', 'the server keeps back what this device has');
      if (manifest.isRosterBehind)
        throw new ProtocolError('untrusted', 'the server shows a former list of members');
      const { covered, here } = this.#figures();
      if (covered !== seen.covered || here !== seen.here)
        throw new ProtocolError('conflict', 'the vault is another one by now: look again');
      const rebuilt = await manifest.anew();
      await session.call(RecordService.method.putRecords, { manifest: rebuilt, rebuilt: true });
      await look();
    });
  }

  #figures(): RepairFigures {
    return { covered: this.#parts.manifest.covered, here: this.#parts.here() };
  }
}

import { SecretWriteKind, type SecretWrite } from '../../../protocol/messages/gen/secrets_pb.js';
import type { ErrorCode } from '../../../protocol/errors.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { FolderTakeOver, type FolderTakeOverParts } from './folder-take-over.ts';
import { RecordTakeOver, type RecordTakeOverParts } from './record-take-over.ts';
import { isConflict, refusalOf } from './refusals.ts';
import { wipeWanted, type Wanted } from './wanted.ts';
import type { WriteRights } from './write-rights.ts';

export interface TakeOverParts extends RecordTakeOverParts, FolderTakeOverParts {
  readonly sync: () => Promise<void>;
  readonly warn: (message: string) => void;
}

/** What became of applications' writes. */
export interface TakeOverOutcome {
  /** Numbers of what the vault has now, by record and by folder: the server is to be told. */
  readonly records: Map<Uid, bigint>;
  readonly folders: Map<Uid, bigint>;
  /** Why what cannot be taken over cannot, by {@link changeName}: a person is told. */
  readonly refused: Map<string, ErrorCode>;
  /** Something was written meanwhile by another device: it is looked at anew. */
  conflict: boolean;
}

/** Names a write for a person's word on it. */
export function changeName({ objectUid, write }: Pick<SecretWrite, 'objectUid' | 'write'>): string {
  return `${uidOf(objectUid)}.${write}`;
}

/** Takes over what applications wrote, one write after the other: what is wrong with one keeps none of the others. */
export class TakeOver {
  readonly #parts: TakeOverParts;
  readonly #records: RecordTakeOver;
  readonly #folders: FolderTakeOver;

  constructor(parts: TakeOverParts) {
    this.#parts = parts;
    this.#records = new RecordTakeOver(parts);
    this.#folders = new FolderTakeOver(parts);
  }

  settled(recordUids: Iterable<Uid>): void {
    this.#records.settled(recordUids);
  }

  /** `wantedNow`: by the vault as it is. Throws what passes, as `offline`: the rest is for another run. */
  async run(
    writes: readonly SecretWrite[],
    rightsIn: (wanted: Wanted) => WriteRights,
    wantedNow: () => Promise<Wanted>,
    going: () => void,
  ): Promise<TakeOverOutcome> {
    const outcome: TakeOverOutcome = {
      ...{ records: new Map(), folders: new Map(), refused: new Map() },
      conflict: false,
    };
    const open = writes.filter(({ transaction, kind }) => transaction === 0 && kind in takers);
    if (open.length === 0) return outcome;
    await this.#parts.sync(); // what another device took over is not taken twice
    let wanted = await wantedNow();
    for (const write of open) {
      going();
      await this.#take(write, rightsIn(wanted), wanted, outcome);
      if (takers[write.kind as keyof typeof takers] !== 'folder') continue;
      wipeWanted(wanted);
      wanted = await wantedNow();
    }
    wipeWanted(wanted);
    return outcome;
  }

  async #take(
    write: SecretWrite,
    rights: WriteRights,
    wanted: Wanted,
    outcome: TakeOverOutcome,
  ): Promise<void> {
    try {
      await this.#takeOne(write, rights, wanted, outcome);
    } catch (error) {
      if (isConflict(error)) {
        outcome.conflict = true;
        return;
      }
      const code = refusalOf(error);
      if (code === null) throw error;
      outcome.refused.set(changeName(write), code);
      this.#parts.warn(`what an application wrote was not taken over: ${code}`);
    }
  }

  async #takeOne(
    write: SecretWrite,
    rights: WriteRights,
    wanted: Wanted,
    { records, folders }: TakeOverOutcome,
  ): Promise<void> {
    const uid = uidOf(write.objectUid);
    switch (write.kind) {
      case SecretWriteKind.UPDATE:
        if ((await this.#records.update(write, rights)) === 'taken') records.set(uid, write.write);
        return;
      case SecretWriteKind.CREATE:
        if ((await this.#records.create(write, rights)) === 'taken') records.set(uid, write.write);
        return;
      case SecretWriteKind.CREATE_FOLDER:
        await this.#folders.create(write, rights, wanted);
        folders.set(uid, write.write);
        return;
      case SecretWriteKind.UPDATE_FOLDER:
        await this.#folders.rename(write, rights, wanted);
        folders.set(uid, write.write);
        return;
      default:
    }
  }
}

/** What vaults take over by themselves: deletions wait for their person. */
const takers = {
  [SecretWriteKind.UPDATE]: 'record',
  [SecretWriteKind.CREATE]: 'record',
  [SecretWriteKind.CREATE_FOLDER]: 'folder',
  [SecretWriteKind.UPDATE_FOLDER]: 'folder',
} as const;

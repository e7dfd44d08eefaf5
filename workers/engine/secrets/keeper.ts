import { ProtocolError } from '../../../protocol/errors.ts';
import type { SecretWrite } from '../../../protocol/messages/gen/secrets_pb.js';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { Application, ApplicationBook } from './application-book.ts';
import { FolderKeeper } from './folder-keeper.ts';
import { RecordKeeper, type RecordKeeperParts } from './record-keeper.ts';
import { isConflict } from './refusals.ts';
import { holderKeysOf, wipeRound, type Round } from './round.ts';
import { readServerState, readWrites, type ServerState } from './server-state.ts';
import type { ShareKeeper } from './share-keeper.ts';
import type { TakeOver } from './take-over.ts';
import { type TakeOverOutcome } from './take-over.ts';
import { wantedOf, type WantedParts } from './wanted.ts';
import { writeRights } from './write-rights.ts';

export interface KeeperParts extends RecordKeeperParts, WantedParts {
  readonly session: VaultSession;
  readonly applications: ApplicationBook;
  readonly shareKeeper: ShareKeeper;
  readonly takeOver: TakeOver;
  /** Whether everything that the account's manifest covers is here: nothing is concluded from a part. */
  readonly isComplete: () => boolean;
  readonly sync: () => Promise<void>;
  /** One tab at a time. */
  readonly exclusive: <T>(name: string, task: () => Promise<T>) => Promise<T>;
  /** Lists of applications would answer otherwise. */
  readonly onChanged: () => void;
}

/** How often in a row applications or other devices may come in between. */
const mostRounds = 4;

const nothingTaken = (): TakeOverOutcome => ({
  ...{ records: new Map(), folders: new Map(), refused: new Map() },
  conflict: false,
});

/**
 * Makes what applications see what the vault says, and what they wrote part of the vault: after each sync and change, one run at
 * a time, in the background. Without an application it asks nothing of anybody. protocol.md §31.6.
 */
export class SecretsKeeper {
  readonly #parts: KeeperParts;
  readonly #folders: FolderKeeper;
  readonly records: RecordKeeper;
  /** As the server had it last, with what was sent since; null before the first look. */
  #state: ServerState | null = null;
  /** The server may have something else by now: it has to be asked. Lists show what was ready as that meanwhile. */
  #stale = true;
  #told = '';
  #refused: TakeOverOutcome['refused'] = new Map();
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#folders = new FolderKeeper(parts.session, parts.warn);
    this.records = new RecordKeeper(parts);
  }

  /** What the server has, as far as this vault knows: null before the first look. */
  get state(): ServerState | null {
    return this.#state;
  }

  /** Why what applications wrote could not be taken over, by the name of the change. */
  get refused(): TakeOverOutcome['refused'] {
    return this.#refused;
  }

  /** Something of the vault changed. What is asked for while a run has not begun is done by that. */
  run(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      const run = this.#run();
      this.#running = run.catch(() => undefined); // told to whoever asked
      return run;
    });
    return this.#next;
  }

  /** Something changed at the server, or may have. */
  look(): Promise<void> {
    this.#stale = true;
    return this.run();
  }

  clear(): void {
    this.records.clear();
    this.#state = null;
    this.#stale = true;
    this.#told = '';
    this.#refused = new Map();
  }

  async #run(): Promise<void> {
    const { applications, isComplete, exclusive, accountUid } = this.#parts;
    if (applications.isEmpty || !isComplete()) return;
    await exclusive(`secrets-${accountUid}`, async () => {
      for (let round = 0; round < mostRounds; round++) if (await this.#round()) return;
      this.#parts.warn('what applications see is changed by others all the time: it is left for later');
    });
  }

  /** Whether nothing came in between. */
  async #round(): Promise<boolean> {
    const isFresh = this.#stale || this.#state === null;
    this.#stale = false; // what is heard of from here on is for the next run
    try {
      if (isFresh) this.records.retry();
      const state =
        !isFresh && this.#state ? this.#state : await readServerState(this.#parts.session, this.#going);
      this.#state = state;
      const applications = await this.#parts.applications.all();
      const writes = isFresh ? await readWrites(this.#parts.session, this.#going) : [];
      const taken = isFresh ? await this.#takeOver(writes, applications) : nothingTaken();
      await this.#keep(state, applications, writes, taken);
      this.#tell(state);
      if (taken.conflict) this.#stale = true;
      return !taken.conflict;
    } catch (error) {
      this.#stale = true;
      if (!isConflict(error)) throw error;
      await this.#parts.sync();
      return false;
    }
  }

  /** Another device, or the server, may have changed what has reached it. */
  #tell(state: ServerState): void {
    const told = [...state.shares].map(([name, { editable }]) => `${name} ${editable}`).join();
    if (told !== this.#told) this.#parts.onChanged();
    this.#told = told;
  }

  async #takeOver(
    writes: readonly SecretWrite[],
    applications: readonly Application[],
  ): Promise<TakeOverOutcome> {
    const outcome = await this.#parts.takeOver.run(
      writes,
      (wanted) => writeRights(this.#parts, applications, wanted),
      () => wantedOf(this.#parts, applications),
      this.#going,
    );
    const before = [...this.#refused.keys()].join();
    this.#refused = outcome.refused;
    if (before !== [...outcome.refused.keys()].join()) this.#parts.onChanged();
    return outcome;
  }

  async #keep(
    state: ServerState,
    applications: readonly Application[],
    writes: readonly SecretWrite[],
    { records, folders }: TakeOverOutcome,
  ): Promise<void> {
    const wanted = await wantedOf(this.#parts, applications);
    const holderKeys = await holderKeysOf(applications, this.#parts.applications, wanted);
    const done = [...records.keys()];
    const round: Round = {
      ...{ wanted, state, holderKeys, taken: { records, folders }, changed: false },
      waiting: new Set<Uid>(writes.map(({ objectUid }) => uidOf(objectUid))),
      going: this.#going,
    };
    try {
      await this.#parts.shareKeeper.remove(round);
      await this.#folders.keep(round);
      await this.#parts.shareKeeper.putFolders(round);
      await this.records.keep(round);
      await this.#parts.shareKeeper.putRecords(round);
      this.#parts.takeOver.settled(done.filter((uid) => !round.taken.records.has(uid)));
    } finally {
      wipeRound(round);
      if (round.changed) this.#parts.onChanged();
    }
  }

  readonly #going = (): void => {
    if (this.#parts.signal.aborted) throw new ProtocolError('cancelled', 'the vault was locked');
  };
}

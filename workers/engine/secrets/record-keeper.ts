import { empty } from '../../../protocol/bytes.ts';
import type { ErrorCode } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { SecretsService } from '../../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { RecordBook } from '../records/record-book.ts';
import { LeftOutFiles, type LeftOut } from './left-out.ts';
import { isLimit, ownFaultOf, sendEach } from './refusals.ts';
import { inParts, type Round } from './round.ts';
import type { SecretFileWork } from './secret-file-work.ts';
import type { RecordState } from './server-state.ts';
import { VersionSealer, type SealedVersion } from './version-sealer.ts';
import type { WantedRecord } from './wanted.ts';

export interface RecordKeeperParts {
  readonly accountUid: Uid;
  readonly session: VaultSession;
  readonly book: RecordBook;
  readonly files: SecretFileWork;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/** Versions in one request, well under the server's bounds. */
const batch = { versions: 100, bytes: limits.apiBody / 4 };

interface Prepared {
  readonly wanted: WantedRecord;
  readonly version: SealedVersion;
}

/** Keeps versions of records: of the newest revision, for everybody who has them, with their attachments. */
export class RecordKeeper {
  readonly #parts: RecordKeeperParts;
  /** Revisions that the server or this vault could make nothing of: not tried again before the next look. */
  readonly #stuck = new Map<Uid, number>();
  readonly #leftOut = new LeftOutFiles();

  constructor(parts: RecordKeeperParts) {
    this.#parts = parts;
  }

  /** Attachments of a record that applications do not get. */
  leftOutOf(uid: Uid): readonly LeftOut[] {
    return this.#leftOut.of(uid);
  }

  /** What could not be given may be now: rights and places are others by then. */
  retry(): void {
    this.#stuck.clear();
  }

  /** The vault is locked. */
  clear(): void {
    this.#stuck.clear();
    this.#leftOut.clear();
  }

  async keep(round: Round): Promise<void> {
    await this.#remove(round);
    const stale = [...round.wanted.records.values()].filter((wanted) => this.#isStale(round, wanted));
    const { known = [], added = [] } = Object.groupBy(stale, ({ uid }) =>
      round.state.records.has(uid) ? 'known' : 'added',
    );
    await this.#keep(round, known); // at the bound, too, what is there stays the newest
    try {
      await this.#keep(round, added);
    } catch (error) {
      if (!isLimit(error)) throw error;
      this.#parts.warn('applications have as many records as they may');
    }
    await this.#tellTaken(round);
    await this.#lookForLeftOut(round);
  }

  /** Of versions that another device made, or this one before it was locked: their records say what should be there. */
  async #lookForLeftOut(round: Round): Promise<void> {
    this.#leftOut.keepOnly(round.wanted.records);
    for (const uid of round.wanted.records.keys()) {
      const revision = this.#revisionOf(uid);
      const there = round.state.records.get(uid);
      if (there?.baseRevision !== BigInt(revision) || this.#leftOut.knows(uid, revision)) continue;
      if (this.#stuck.get(uid) === revision) continue;
      round.going();
      try {
        const files = await this.#sealerOf(round).filesOf(uid);
        if (this.#leftOut.note(uid, revision, files, there.files)) round.changed = true;
      } catch (error) {
        this.#giveUp(uid, error);
      }
    }
  }

  async #keep(round: Round, stale: readonly WantedRecord[]): Promise<void> {
    const withFiles: WantedRecord[] = [];
    let part: Prepared[] = [];
    let bytes = 0;
    for (const wanted of stale) {
      round.going();
      const sealer = this.#sealerOf(round);
      const prepared = await this.#prepare(sealer, wanted);
      if (prepared === 'with-files') withFiles.push(wanted);
      if (prepared === null || prepared === 'with-files') continue;
      if (part.length === batch.versions || bytes > batch.bytes) {
        await this.#put(round, part);
        [part, bytes] = [[], 0];
      }
      part.push(prepared);
      bytes += prepared.version.data.length;
    }
    await this.#put(round, part);
    for (const wanted of withFiles) await this.#keepWithFiles(round, wanted);
  }

  /** What an application wrote there meanwhile is looked at before it goes. */
  async #remove(round: Round): Promise<void> {
    const { wanted, state } = round;
    const surplus = [...state.records]
      .filter(([uid, { baseRevision, written }]) => !wanted.records.has(uid) && baseRevision > 0n && !written)
      .map(([uid]) => uid);
    for (const part of inParts(surplus, limits.changesPerRequest)) {
      round.going();
      await this.#parts.session.call(SecretsService.method.removeSecrets, { recordUids: part.map(uidBytes) });
      for (const uid of part) state.records.delete(uid);
      round.changed = true;
    }
  }

  /** A version of a newer revision is another device's, which knows more. */
  #isStale({ state, taken }: Round, { uid, holders, places }: WantedRecord): boolean {
    const known = this.#parts.book.get(uid);
    if (!known || this.#stuck.get(uid) === known.revision) return false;
    const there = state.records.get(uid);
    if (!there || taken.records.has(uid)) return true;
    if (there.baseRevision > BigInt(known.revision)) return false;
    return (
      there.baseRevision < BigInt(known.revision) ||
      there.keyVersion !== (known.keyVersion || 1) ||
      !isSameSet(there.holders, holders) ||
      !isSamePlace(there, places)
    );
  }

  async #prepare(sealer: VersionSealer, wanted: WantedRecord): Promise<Prepared | 'with-files' | null> {
    try {
      if ((await sealer.filesOf(wanted.uid)).length > 0) return 'with-files';
      this.#leftOut.note(wanted.uid, this.#revisionOf(wanted.uid), [], new Set());
      return { wanted, version: await sealer.seal(wanted, []) };
    } catch (error) {
      this.#giveUp(wanted.uid, error);
      return null;
    }
  }

  /** The server takes files of records that it has: so that what is cut off is gone on with, nobody sees it until they are there. */
  async #keepWithFiles(round: Round, wanted: WantedRecord): Promise<void> {
    const sealer = this.#sealerOf(round);
    try {
      const files = await sealer.filesOf(wanted.uid);
      if (!round.state.records.has(wanted.uid)) {
        const nobodys = { ...wanted, holders: new Set<Uid>(), places: new Map<Uid, Uid | null>() };
        await this.#put(round, [{ wanted: nobodys, version: await sealer.seal(nobodys, []) }], false);
      }
      const { signal, files: work } = this.#parts;
      const ready = await work.ensureSecretFiles({ uid: wanted.uid, fileRefs: files }, signal);
      round.going();
      await this.#put(round, [{ wanted, version: await sealer.seal(wanted, ready) }]);
      this.#leftOut.forget(wanted.uid);
    } catch (error) {
      this.#giveUp(wanted.uid, error);
    }
  }

  /** As many as there is room for: by halves. Throws `limit-reached` for the first that there is none for. */
  async #put(round: Round, part: readonly Prepared[], final = true): Promise<void> {
    try {
      await sendEach(
        part,
        (some) => this.#send(round, some, final),
        ({ wanted }, code) => this.#leave(wanted.uid, code),
      );
    } catch (error) {
      const left = part.filter(({ wanted: { uid } }) => !round.state.records.has(uid));
      if (!isLimit(error) || part.length <= 1 || left.length === 0) throw error;
      const half = Math.ceil(left.length / 2);
      await this.#put(round, left.slice(0, half), final);
      await this.#put(round, left.slice(half), final);
    }
  }

  async #send(round: Round, part: readonly Prepared[], final: boolean): Promise<void> {
    const taken = part.flatMap(({ wanted: { uid } }) => {
      const write = final ? round.taken.records.get(uid) : undefined;
      return write === undefined ? [] : [{ objectUid: uidBytes(uid), write }];
    });
    const versions = part.map(({ version }) => version);
    await this.#parts.session.call(SecretsService.method.putSecrets, { versions, taken });
    for (const { wanted, version } of part) {
      const { uid, holders, places } = wanted;
      const { baseRevision, keyVersion } = version;
      const written = (round.state.records.get(uid)?.written ?? false) && !round.taken.records.has(uid);
      round.state.records.set(uid, {
        ...{ baseRevision, keyVersion, holders, places, written },
        files: new Set(version.files?.map(({ fileUid }) => uidOf(fileUid ?? empty))),
      });
      if (final) round.taken.records.delete(uid);
    }
    round.changed = true;
  }

  /** Of what was unshared between: the record has it, and no application reads it. */
  async #tellTaken({ taken, state, wanted }: Round): Promise<void> {
    const names = [...taken.records]
      .filter(([uid]) => !wanted.records.has(uid) && (state.records.get(uid)?.baseRevision ?? 0n) > 0n)
      .map(([uid, write]) => ({ objectUid: uidBytes(uid), write }));
    for (const part of inParts(names, limits.changesPerRequest))
      await this.#parts.session.call(SecretsService.method.putSecrets, { taken: [...part] });
  }

  #revisionOf(uid: Uid): number {
    return this.#parts.book.get(uid)?.revision ?? 0;
  }

  #sealerOf({ holderKeys }: Round): VersionSealer {
    const { accountUid, book } = this.#parts;
    return new VersionSealer({ accountUid, book, holderKey: (uid) => holderKeys.get(uid) ?? null });
  }

  /** Throws what is not the record's own fault. */
  #giveUp(uid: Uid, error: unknown): void {
    const code = ownFaultOf(error);
    if (code === null) throw error;
    this.#leave(uid, code);
  }

  #leave(uid: Uid, code: ErrorCode): void {
    this.#stuck.set(uid, this.#revisionOf(uid));
    this.#parts.warn(`a record could not be given to applications: ${code}`);
  }
}

function isSameSet(one: ReadonlySet<Uid>, other: ReadonlySet<Uid>): boolean {
  return one.size === other.size && [...one].every((uid) => other.has(uid));
}

function isSamePlace(there: RecordState, places: WantedRecord['places']): boolean {
  if (there.places.size !== places.size) return false;
  return [...places].every(([root, sub]) => there.places.has(root) && there.places.get(root) === sub);
}

import type { Card as CardMessage, Record } from '../../../protocol/messages/gen/record_pb.js';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { Card } from '../../../protocol/vault/card.ts';
import { pause, type Clock } from '../clock.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { CardBook } from '../organising/card-book.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { VaultStorage } from '../storage.ts';
import { nothingOpened, type OpenedBefore } from '../records/opened-before.ts';
import type { RecordEntry } from '../records/record-entry.ts';
import { decodeSnapshot } from '../snapshot/snapshot-codec.ts';
import { timed } from '../timing.ts';
import { collectIndex } from './index-contents.ts';
import { IndexHints } from './index-hints.ts';
import { IndexTransfer, type HeldGeneration } from './index-transfer.ts';

export interface HeldIndexParts {
  readonly session: VaultSession;
  readonly keys: Pick<AccountKeys, 'accountUid' | 'dataKey'>;
  readonly storage: Pick<VaultStorage, 'readRows' | 'readObjects'>;
  readonly clock: Clock;
  readonly vault: () => IndexedVault;
  readonly exclusive: <T>(name: string, task: () => Promise<T>) => Promise<T>;
  /** Ends when the vault is locked. */
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/** The vault as it is now on this device. */
export interface IndexedVault {
  readonly book: RecordBook;
  readonly cards: CardBook;
  /** Things that the account owns, as far as is known. */
  readonly count: number;
  /** Up to where everything is here. */
  readonly cursor: bigint;
}

/** What is held is written anew when one thing in so many is another one by now. */
const staleFrom = 10n;

/**
 * What the account's devices leave at the server for a new one (protocol.md §24): there it is read beside the first pages,
 * so that it opens only what changed since. It is never needed: whatever goes wrong with it costs time alone.
 */
export class HeldIndex implements OpenedBefore {
  readonly #parts: HeldIndexParts;
  readonly #transfer: IndexTransfer;
  /** Undefined: nobody has asked yet, or it is another one by now. */
  #held: HeldGeneration | null | undefined;
  /** What is held is of no use. */
  #useless = false;
  #before: OpenedBefore = nothingOpened;
  #coming: Promise<void> = Promise.resolve();
  #keeping = false;

  constructor(parts: HeldIndexParts) {
    this.#parts = parts;
    this.#transfer = new IndexTransfer(parts.session, parts.keys);
  }

  /** A first sync begins: asks for what is held. */
  prepare(): void {
    this.#coming = this.#take().catch((error: unknown) => {
      const isGone = error instanceof ProtocolError && error.code === 'not-found';
      this.#useless = (this.#held ?? null) !== null && (isGone || isUnusable(error));
      this.#fail(error);
    });
  }

  /** Resolves when what is held is here, or will never be. */
  async ready(): Promise<void> {
    await this.#coming;
  }

  /** The sync is over. */
  release(): void {
    this.#before = nothingOpened;
    this.#coming = Promise.resolve();
  }

  entryOf(row: Record, dataHash: Uint8Array): RecordEntry | null {
    return this.#before.entryOf(row, dataHash);
  }

  cardOf(message: CardMessage): Card | null {
    return this.#before.cardOf(message);
  }

  /** After a sync that left nothing open: leaves an index of a large vault, when the held one is not near enough. */
  async keep(): Promise<void> {
    if (this.#keeping || this.#parts.vault().count < limits.heldIndex.things) return;
    this.#keeping = true;
    try {
      await this.#parts.exclusive('held-index', () => this.#renew());
    } catch (error) {
      this.#held = undefined;
      this.#fail(error);
    } finally {
      this.#keeping = false;
    }
  }

  async #take(): Promise<void> {
    const held = await this.#transfer.describe();
    this.#held = held;
    if (held === null) return;
    const read = async () => decodeSnapshot(await this.#transfer.read(held), true);
    this.#before = new IndexHints(await timed('sallyport:held-index', read));
  }

  async #renew(): Promise<void> {
    const { vault, storage, signal } = this.#parts;
    if (signal.aborted) return;
    if (this.#held === undefined) this.#held = await this.#transfer.describe();
    const held = this.#held;
    const { book, cards, count, cursor } = vault();
    const isNear = held !== null && (cursor - held.cursor) * staleFrom <= BigInt(count);
    if (isNear && !this.#useless) return;
    const rest = () => this.#rest();
    const plaintext = await collectIndex({ book, cards, storage }, rest);
    this.#held = await this.#transfer.store(plaintext, cursor, held, rest);
    this.#useless = false;
  }

  /** Lets others have the thread. Throws `locked` when the vault was locked. */
  async #rest(): Promise<void> {
    const { clock, signal } = this.#parts;
    await pause(clock, 0, signal);
    if (signal.aborted) throw new ProtocolError('locked');
  }

  /** That the server is away, or another device was quicker, is no news. */
  #fail(error: unknown): void {
    if (!(error instanceof ProtocolError) || isUnusable(error))
      this.#parts.warn(`the held index cannot be used: ${String(error)}`);
  }
}

/** Sealed under a key of before, damaged, or written by another version. */
function isUnusable(error: unknown): boolean {
  const codes: readonly string[] = ['open-failed', 'malformed', 'unsupported-version'];
  return error instanceof ProtocolError && codes.includes(error.code);
}

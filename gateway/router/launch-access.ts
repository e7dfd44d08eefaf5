import type { AccessProof } from '../../protocol/messages/gen/sharing_pb.js';
import type { Access } from '../../protocol/sharing/access.ts';
import type { Uid } from '../../protocol/uid.ts';
import { Refusal } from './refusal.ts';

/** Whose record somebody wants to use. */
export interface AccessQuestion {
  readonly accountUid: Uid;
  readonly recordUid: Uid;
  /** As the sealed record itself says. */
  readonly ownerUid: Uid;
  /** Of the key of the record's copy: a grant of a former one was given before somebody lost access. */
  readonly keyVersion: number;
}

/** What somebody's proof comes to. */
export interface AccessFound {
  readonly access: Access | null;
  /** Who took back what the proof shows, as far as it was taken back. */
  readonly takenBackBy: Uid | null;
}

/** Why access is no more: its time is over or a roster took it away, somebody took it back, nobody stood by it again. */
export type AccessEnd =
  | { readonly kind: 'over' }
  | { readonly kind: 'taken-back'; readonly byUid: Uid }
  | { readonly kind: 'not-renewed' };

export interface LaunchAccessParts {
  /** Access to somebody else's record lasts so long without being renewed. */
  readonly leaseMs: number;
  readonly watched: Set<LaunchAccess>;
  readonly now: () => number;
  readonly read: (question: AccessQuestion, proof: AccessProof | undefined) => AccessFound;
}

/** What a timer can wait for at most. */
const longestDelayMs = 2 ** 31 - 1;

/** Access that was found, and watches over itself. protocol.md §12.7, §12.8. */
export class LaunchAccess {
  readonly #parts: LaunchAccessParts;
  #question: AccessQuestion;
  #proof: AccessProof | undefined;
  #leaseEndsAt: number;
  #timer: NodeJS.Timeout | undefined;
  #onEnded: ((end: AccessEnd) => void) | null = null;

  /** Throws `not-allowed` when there is none. */
  constructor(question: AccessQuestion, proof: AccessProof | undefined, parts: LaunchAccessParts) {
    this.#parts = parts;
    [this.#question, this.#proof] = [question, proof];
    this.#require(question, proof);
    this.#leaseEndsAt = performance.now() + this.leaseMs;
  }

  /** 0: its own account owns the record, and nobody can take it back. */
  get leaseMs(): number {
    return this.#question.accountUid === this.#question.ownerUid ? 0 : this.#parts.leaseMs;
  }

  /** Shown anew, for the record as it is by now: what was known before counts no more. Throws `not-allowed`. */
  renew(keyVersion: number, proof: AccessProof | undefined): void {
    const question = { ...this.#question, keyVersion };
    this.#require(question, proof);
    [this.#question, this.#proof] = [question, proof];
    this.#leaseEndsAt = performance.now() + this.leaseMs;
    this.look();
  }

  /** Calls once, at the moment when nothing of the access is left. Returns how to stop watching. */
  watch(onEnded: (end: AccessEnd) => void): () => void {
    this.#onEnded = onEnded;
    this.#parts.watched.add(this);
    this.look();
    return () => this.#stop();
  }

  /** Works it out anew, if it is watched. */
  look(): 'ended' | 'stands' {
    clearTimeout(this.#timer);
    const onEnded = this.#onEnded;
    if (onEnded === null) return 'stands';
    const end = this.#end();
    if (end === null) return 'stands';
    this.#stop();
    onEnded(end);
    return 'ended';
  }

  #end(): AccessEnd | null {
    const { access, takenBackBy } = this.#parts.read(this.#question, this.#proof);
    if (access === null)
      return takenBackBy === null ? { kind: 'over' } : { kind: 'taken-back', byUid: takenBackBy };
    const leaseMs = this.leaseMs === 0 ? Infinity : this.#leaseEndsAt - performance.now();
    if (leaseMs <= 0) return { kind: 'not-renewed' };
    const leftMs = access.expiresAtMs === 0 ? Infinity : access.expiresAtMs - this.#parts.now();
    const waitMs = Math.min(leftMs, leaseMs);
    if (waitMs !== Infinity)
      this.#timer = setTimeout(() => this.look(), Math.min(Math.ceil(waitMs), longestDelayMs));
    return null;
  }

  #require(question: AccessQuestion, proof: AccessProof | undefined): void {
    if (this.#parts.read(question, proof).access === null)
      throw new Refusal('not-allowed', 'the record is not shared with this account');
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#onEnded = null;
    this.#parts.watched.delete(this);
  }
}

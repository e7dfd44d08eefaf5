import { limits } from '../../protocol/limits.ts';
import type { AccessProof } from '../../protocol/messages/gen/sharing_pb.js';
import { AccessRules, verifyShares, type Access } from '../../protocol/sharing/access.ts';
import type { Roster } from '../../protocol/signed/roster.ts';
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

export interface AccessCheckOptions {
  /** The newest roster that the gateway has verified. */
  readonly roster: () => Roster | null;
  readonly now?: () => number;
}

/** What a timer can wait for at most. */
const longestDelayMs = 2 ** 31 - 1;

/**
 * Whether an account may launch a record, and how long: worked out anew from the grants and entries that it shows, by the
 * gateway's own roster and clock. A proof is as good as its signatures; who sent it does not matter. protocol.md §12.7.
 */
export class AccessCheck {
  readonly #options: AccessCheckOptions;
  readonly #watched = new Set<() => void>();

  constructor(options: AccessCheckOptions) {
    this.#options = options;
  }

  /** Throws `not-allowed`. */
  require(question: AccessQuestion, proof: AccessProof | undefined): LaunchAccess {
    const read = () => this.#read(question, proof);
    if (read() === null) throw new Refusal('not-allowed', 'the record is not shared with this account');
    return new LaunchAccess(read, this.#now, this.#watched);
  }

  /** Looks anew at all access that is watched: another roster counts from now on. */
  review(): void {
    for (const look of [...this.#watched]) look();
  }

  #read(question: AccessQuestion, proof: AccessProof | undefined): Access | null {
    const { accountUid, recordUid, ownerUid, keyVersion } = question;
    const roster = this.#options.roster();
    if (roster === null) return null;
    const { grants, entries } = proof ?? { grants: [], entries: [] };
    if (grants.length > limits.accessProof.grants || entries.length > limits.accessProof.entries)
      throw new Refusal('malformed', 'the proof of access is too long');
    const rules = new AccessRules(roster, verifyShares(roster, { grants, entries }));
    return rules.toRecord(accountUid, recordUid, ownerUid, this.#now(), keyVersion);
  }

  readonly #now = (): number => (this.#options.now ?? Date.now)();
}

/** Access that was found, and watches over itself. */
export class LaunchAccess {
  readonly #read: () => Access | null;
  readonly #now: () => number;
  readonly #watched: Set<() => void>;

  constructor(read: () => Access | null, now: () => number, watched: Set<() => void>) {
    this.#read = read;
    this.#now = now;
    this.#watched = watched;
  }

  /** Calls once, at the moment when nothing of the access is left. Returns how to stop watching. */
  watch(onEnded: () => void): () => void {
    let timer: NodeJS.Timeout | undefined;
    const stop = () => {
      clearTimeout(timer);
      this.#watched.delete(look);
    };
    const look = () => {
      clearTimeout(timer);
      const access = this.#read();
      if (access === null) {
        stop();
        return onEnded();
      }
      if (access.expiresAtMs === 0) return;
      timer = setTimeout(look, Math.min(access.expiresAtMs - this.#now(), longestDelayMs));
    };
    this.#watched.add(look);
    look();
    return stop;
  }
}

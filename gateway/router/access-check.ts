import { limits } from '../../protocol/limits.ts';
import type { EndAccessRequest } from '../../protocol/messages/gen/command_pb.js';
import type { AccessProof } from '../../protocol/messages/gen/sharing_pb.js';
import { AccessRules, verifyShares, type VerifiedShares } from '../../protocol/sharing/access.ts';
import type { Roster } from '../../protocol/signed/roster.ts';
import type { Uid } from '../../protocol/uid.ts';
import { LaunchAccess, type AccessFound, type AccessQuestion } from './launch-access.ts';
import { Refusal } from './refusal.ts';
import { Authority, parseWithdrawal, Withdrawals } from './withdrawals.ts';

export interface AccessCheckOptions {
  /** The newest roster that the gateway has verified. */
  readonly roster: () => Roster | null;
  readonly now?: () => number;
  /** limits.accessLeaseMs unless a test is in a hurry. */
  readonly leaseMs?: number;
}

/**
 * Whether an account may launch a record, and how long: worked out anew from the grants and entries that it shows, by the
 * gateway's own roster and clock, and by what was taken back. A proof is as good as its signatures; who sent it does not
 * matter. protocol.md §12.7, §12.8.
 */
export class AccessCheck {
  readonly #options: AccessCheckOptions;
  readonly #withdrawals = new Withdrawals();
  readonly #watched = new Set<LaunchAccess>();

  constructor(options: AccessCheckOptions) {
    this.#options = options;
  }

  /** Throws `not-allowed`, or `malformed` for a proof that is too long. */
  require(question: AccessQuestion, proof: AccessProof | undefined): LaunchAccess {
    return new LaunchAccess(question, proof, {
      leaseMs: this.#options.leaseMs ?? limits.accessLeaseMs,
      watched: this.#watched,
      now: () => this.#now,
      read: (asked, shown) => this.#read(asked, shown),
    });
  }

  /** Looks anew at all access that is watched: another roster counts from now on. How much of it ended. */
  review(): number {
    return [...this.#watched].filter((access) => access.look() === 'ended').length;
  }

  /** What that member takes back counts no more. How many sessions it ended. Throws `malformed`. */
  withdraw(signerUid: Uid, { withdrawals, access }: EndAccessRequest): number {
    if (withdrawals.length > limits.withdrawals.each)
      throw new Refusal('malformed', 'too much is taken back at once');
    const roster = this.#options.roster();
    if (roster === null) throw new Refusal('roster-outdated');
    const taken = withdrawals.map((one) => parseWithdrawal(one, this.#now));
    const { shown } = this.#verify(roster, access);
    const rights = new Authority(signerUid, new AccessRules(roster, shown), shown, this.#now);
    for (const withdrawal of taken) this.#withdrawals.add(signerUid, withdrawal, rights);
    return this.review();
  }

  #read(question: AccessQuestion, proof: AccessProof | undefined): AccessFound {
    const { accountUid, recordUid, ownerUid, keyVersion } = question;
    const roster = this.#options.roster();
    if (roster === null) return { access: null, takenBackBy: null };
    const { shown, takenBackBy } = this.#verify(roster, proof);
    const rules = new AccessRules(roster, shown);
    const access = rules.toRecord(accountUid, recordUid, ownerUid, this.#now, keyVersion);
    return { access, takenBackBy };
  }

  /** What is signed and was not taken back. */
  #verify(
    roster: Roster,
    proof: AccessProof | undefined,
  ): { shown: VerifiedShares; takenBackBy: Uid | null } {
    const { grants, entries } = proof ?? { grants: [], entries: [] };
    if (grants.length > limits.accessProof.grants || entries.length > limits.accessProof.entries)
      throw new Refusal('malformed', 'the proof of access is too long');
    const signed = verifyShares(roster, { grants, entries });
    let takenBackBy: Uid | null = null;
    const stands = (by: Uid | null) => {
      takenBackBy ??= by;
      return by === null;
    };
    const shown = {
      grants: signed.grants.filter((grant) => stands(this.#withdrawals.ofGrant(grant))),
      entries: signed.entries.filter((entry) => stands(this.#withdrawals.ofEntry(entry))),
    };
    return { shown, takenBackBy };
  }

  get #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

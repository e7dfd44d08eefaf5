import { equal, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { findMember, type Roster, type RosterMember } from '../../protocol/signed/roster.ts';
import {
  mayEndSessions,
  overseerOf,
  parseSessionPolicy,
  verifySessionPolicy,
  type SessionPolicy,
} from '../../protocol/signed/session-policy.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import { Refusal, type RefusalCode } from '../router/refusal.ts';
import type { SessionPolicyFile } from './session-policy-file.ts';

export interface SessionPolicyKeeperOptions {
  readonly file: SessionPolicyFile;
  readonly gatewayUid: Uid;
  /** 65 bytes: of this gateway's device. */
  readonly deviceKey: Bytes;
  /** Pinned at enrolment: whose word on sessions here counts. */
  readonly ownerUid: Uid;
  readonly roster: () => Roster | null;
  readonly onChanged: () => void;
  readonly log: Logger;
}

/** Who may look on at sessions here, and end them: what this gateway's owner signed last, and nobody else. protocol.md §29. */
export class SessionPolicyKeeper {
  readonly #options: SessionPolicyKeeperOptions;
  #taking: Promise<void> = Promise.resolve();
  /** What the kept policy came to with that roster: signatures are not verified for each question. */
  #judged: { readonly roster: Roster; readonly signed: Bytes; readonly policy: SessionPolicy | null } | null =
    null;

  constructor(options: SessionPolicyKeeperOptions) {
    this.#options = options;
  }

  /** The newest version that was taken, whether it still counts or not; 0: none yet. */
  get version(): number {
    const { signed } = this.#options.file;
    return signed === null ? 0 : parseSessionPolicy(signed).version;
  }

  /** As its owner signed it; null: there is none yet. */
  get signed(): Bytes | null {
    return this.#options.file.signed;
  }

  /**
   * What counts now. null: nothing was said, its owner left the organisation, or has other keys since: what former keys
   * signed may be a thief's.
   */
  get present(): SessionPolicy | null {
    const { file, roster: presentRoster } = this.#options;
    const [roster, signed] = [presentRoster(), file.signed];
    if (roster === null || signed === null) return null;
    if (this.#judged?.roster !== roster || this.#judged.signed !== signed)
      this.#judged = { roster, signed, policy: this.#judge(roster, signed) };
    return this.#judged.policy;
  }

  /** How that member may look on; null: not at all. */
  watching(member: RosterMember): { readonly silent: boolean } | null {
    const policy = this.present;
    return policy && overseerOf(policy, member)?.watch ? { silent: policy.silent } : null;
  }

  /** What somebody is told before anybody looks on at a session of theirs: `silent`, they would not see it. null: nobody may. */
  watchedBy(accountUid: Uid): { readonly silent: boolean } | null {
    const policy = this.present;
    const members = this.#options.roster()?.members ?? [];
    const may = members.some(
      (member) => member.accountUid !== accountUid && policy && overseerOf(policy, member)?.watch,
    );
    return policy && may ? { silent: policy.silent } : null;
  }

  mayEnd(member: RosterMember): boolean {
    return mayEndSessions(this.present, member);
  }

  /**
   * Takes the next policy. Throws a {@link Refusal}: `not-allowed` for anybody but this gateway's owner, `bad-signature`,
   * `wrong-audience`, `malformed`, and `policy-outdated` for any but the one that follows the kept one.
   */
  async take(member: RosterMember, signed: Bytes): Promise<void> {
    const taken = this.#taking.then(() => this.#take(member, signed));
    this.#taking = taken.catch(() => {}); // told to its sender; the next one tries anew
    await taken;
  }

  async #take(member: RosterMember, signed: Bytes): Promise<void> {
    const { ownerUid, gatewayUid, deviceKey, file, log } = this.#options;
    if (member.accountUid !== ownerUid)
      throw new Refusal('not-allowed', 'the owner of the gateway alone says who looks on');
    const policy = refusing(() => verifySessionPolicy(member.signingPublicKey, signed));
    if (policy.ownerUid !== ownerUid || policy.gatewayUid !== gatewayUid)
      throw new Refusal('wrong-audience', 'the policy is of another gateway');
    if (!equal(policy.gatewayKey, deviceKey))
      throw new Refusal('wrong-audience', 'the policy is of another key of the gateway');
    if (policy.version !== this.version + 1)
      throw new Refusal('policy-outdated', `the gateway has version ${this.version}`);
    await file.keep(signed);
    const { version, silent, overseers } = policy;
    const state = silent ? 'silent' : 'visible';
    log.info('session policy in use', { version, state, count: overseers.length });
    this.#options.onChanged();
  }

  #judge(roster: Roster, signed: Bytes): SessionPolicy | null {
    const owner = findMember(roster, this.#options.ownerUid);
    if (owner === null) return null;
    try {
      return verifySessionPolicy(owner.signingPublicKey, signed);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#options.log.warn('session policy counts no more', { code: error.code });
      return null;
    }
  }
}

const refusals: Readonly<Partial<Record<string, RefusalCode>>> = {
  malformed: 'malformed',
  'too-large': 'malformed',
  'bad-signature': 'bad-signature',
};

function refusing<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    const code = error instanceof ProtocolError ? refusals[error.code] : undefined;
    if (code === undefined) throw error;
    throw new Refusal(code, 'not a policy that the owner signed');
  }
}

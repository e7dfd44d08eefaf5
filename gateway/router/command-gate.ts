import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { CommandKind, type SignedCommand } from '../../protocol/messages/gen/command_pb.js';
import { parseCommand, verifyCommand, type Command } from '../../protocol/signed/command.ts';
import { findMember, type Roster, type RosterMember } from '../../protocol/signed/roster.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { RisingState } from '../rising-state.ts';
import { Refusal, type RefusalCode } from './refusal.ts';
import { ReplayWindow } from './replay-window.ts';
import type { RosterKeeper } from './roster-keeper.ts';

/** A command that a member of the organisation signed for this gateway, seen for the first time. */
export interface AdmittedCommand {
  readonly command: Command;
  readonly member: RosterMember;
  readonly signed: SignedCommand;
}

export interface CommandGateOptions {
  readonly gatewayUid: Uid;
  readonly roster: Pick<RosterKeeper, 'atLeast' | 'present'>;
  /** Keeps what this run's replay window cannot hand to the next. */
  readonly state: RisingState;
  readonly now: () => number;
  readonly window?: ReplayWindow;
}

/** Commands that may wait for a newer roster without a signature that the present one knows. */
const mostUnproven = 16;

/** Everything that must hold before a command is carried out. The router's word counts for nothing here. */
export class CommandGate {
  readonly #options: CommandGateOptions;
  readonly #window: ReplayWindow;
  #unproven = 0;
  /** The replay window starts empty, so what a former run may have admitted is refused: dated before this one began… */
  readonly #startedAtMs: number;
  /** …or by a device whose clock was ahead, up to the latest such date of its account. */
  readonly #formerlyAheadMs: ReadonlyMap<Uid, number>;

  constructor(options: CommandGateOptions) {
    this.#options = options;
    this.#window = options.window ?? new ReplayWindow();
    this.#startedAtMs = options.now();
    this.#formerlyAheadMs = options.state.versions.aheadMs;
  }

  /** Throws a {@link Refusal}: `malformed`, `wrong-audience`, `not-in-roster`, `bad-signature`, `expired`, `replayed` … */
  async admit(signed: SignedCommand): Promise<AdmittedCommand> {
    const stated = refusing(() => parseCommand(signed));
    if (stated.gatewayUid !== this.#options.gatewayUid) throw new Refusal('wrong-audience');
    const roster = await this.#rosterFor(stated, signed);
    const member = findMember(roster, stated.accountUid);
    if (member === null) throw new Refusal('not-in-roster');
    const now = this.#options.now();
    const command = refusing(() => verifyCommand(member.signingPublicKey, signed, now));
    if (command.issuedAtMs < this.#startedAtMs || command.issuedAtMs <= this.#formerlyAhead(member))
      throw new Refusal('expired', 'the command is older than this gateway run');
    const begins = command.kind === CommandKind.CONNECT || command.kind === CommandKind.JOIN_SESSION;
    const begun = begins ? command.sessionUid : null; // others name one that is there
    const uids = begun === null ? [command.commandUid] : [command.commandUid, begun];
    this.#window.admit(uids, command.expiresAtMs + limits.clockSkewMs, now);
    if (command.issuedAtMs > now) await this.#keepAhead(member, command.issuedAtMs);
    return { command, member, signed };
  }

  /** Anybody may name a roster that is to come: those who are not known here wait in small numbers. */
  async #rosterFor(stated: Command, signed: SignedCommand): Promise<Roster> {
    const { roster } = this.#options;
    const { present } = roster;
    const waits = present === null || present.version < stated.rosterVersion;
    if (!waits || this.#isProven(present, stated, signed)) return await roster.atLeast(stated.rosterVersion);
    if (this.#unproven >= mostUnproven)
      throw new Refusal('roster-outdated', 'too many wait for a newer roster');
    this.#unproven++;
    try {
      return await roster.atLeast(stated.rosterVersion);
    } finally {
      this.#unproven--;
    }
  }

  #isProven(present: Roster | null, { accountUid }: Command, signed: SignedCommand): boolean {
    const member = present === null ? null : findMember(present, accountUid);
    if (member === null) return false;
    try {
      verifyCommand(member.signingPublicKey, signed, this.#options.now());
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  #formerlyAhead({ accountUid }: RosterMember): number {
    return this.#formerlyAheadMs.get(accountUid) ?? 0;
  }

  /** Before it is carried out: a run that begins before that date would take it for new. */
  async #keepAhead({ accountUid }: RosterMember, issuedAtMs: number): Promise<void> {
    await this.#options.state.raise({ aheadMs: new Map([[accountUid, issuedAtMs]]) });
  }
}

const refusals: Readonly<Partial<Record<string, RefusalCode>>> = {
  malformed: 'malformed',
  'bad-signature': 'bad-signature',
  expired: 'expired',
};

function refusing<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    const code = error instanceof ProtocolError ? refusals[error.code] : undefined;
    if (code === undefined) throw error;
    throw new Refusal(code, error instanceof Error ? error.message : code);
  }
}

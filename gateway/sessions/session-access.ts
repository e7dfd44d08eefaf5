import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { wipe } from '../../protocol/bytes.ts';
import type { EndAccessRequest, RenewAccessRequest } from '../../protocol/messages/gen/command_pb.js';
import { findMember, type Roster, type RosterMember } from '../../protocol/signed/roster.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import type { RecordVersion, RisingState } from '../rising-state.ts';
import type { AccessCheck } from '../router/access-check.ts';
import type { AccessEnd, LaunchAccess } from '../router/launch-access.ts';
import { Refusal } from '../router/refusal.ts';
import type { MachineReader } from '../secrets/machine.ts';
import type { Session } from './session.ts';
import { ends, type SessionEnd } from './session-end.ts';

export interface SessionAccessParts {
  readonly check: AccessCheck;
  readonly machines: MachineReader;
  readonly state: RisingState;
  /** Whose records this gateway works with. */
  readonly ownerUid: Uid;
  readonly roster: () => Roster | null;
  readonly signal: AbortSignal;
}

interface Watched {
  readonly session: Session;
  readonly access: LaunchAccess;
}

/** The access by which each session runs: watched over, shown anew, and taken back. protocol.md §12.8. */
export class SessionAccess {
  readonly #parts: SessionAccessParts;
  readonly #watched = new Map<Uid, Watched>();

  constructor(parts: SessionAccessParts) {
    this.#parts = parts;
  }

  /** The session ends when its access does. */
  watch(session: Session, access: LaunchAccess): void {
    this.#watched.set(session.uid, { session, access });
    const stop = access.watch((end) => session.end(this.#explain(end)));
    void session.ended.then(() => {
      stop();
      this.#watched.delete(session.uid);
    });
  }

  /**
   * The sender's word that a session's access is still there, worked out for the machine's copy as it is now. Throws a
   * {@link Refusal}: `not-found`, `record-outdated`, `not-allowed` … The session itself goes on until its lease ends.
   */
  async renew({ accountUid }: RosterMember, request: RenewAccessRequest): Promise<void> {
    const watched = this.#watched.get(uidOf(request.sessionUid));
    if (watched?.session.accountUid !== accountUid) throw new Refusal('not-found', 'no such session');
    const { machines, signal } = this.#parts;
    const { machine } = await machines.readMachine(watched.session.recordUid, signal);
    wipe(machine.trafficSeed, machine.copyKey);
    if (machine.keyVersion < request.keyVersion)
      throw new Refusal('record-outdated', 'the server gives an older copy of a record');
    watched.access.renew(machine.keyVersion, request.access);
  }

  /** How many sessions ended. What the owner of this gateway says of their records outlives its runs. */
  async withdraw({ accountUid }: RosterMember, request: EndAccessRequest): Promise<number> {
    const ended = this.#parts.check.withdraw(accountUid, request);
    const records = parseStates(request);
    if (accountUid === this.#parts.ownerUid && records.size > 0) await this.#parts.state.raise({ records });
    return ended;
  }

  #explain(end: AccessEnd): SessionEnd {
    switch (end.kind) {
      case 'over':
        return ends.accessEnded;
      case 'not-renewed':
        return ends.accessNotRenewed;
      case 'taken-back': {
        const roster = this.#parts.roster();
        const by = roster === null ? null : findMember(roster, end.byUid);
        return { ...ends.accessTakenBack, ...(by !== null && { by: by.email }) };
      }
    }
  }
}

function parseStates({ records }: EndAccessRequest): ReadonlyMap<Uid, RecordVersion> {
  if (records.length > limits.withdrawals.each)
    throw new ProtocolError('malformed', 'too many records at once');
  return new Map(
    records.map(({ recordUid, revision, keyVersion }) => {
      if (revision < 1n || revision > BigInt(Number.MAX_SAFE_INTEGER) || keyVersion < 1)
        throw new ProtocolError('malformed', 'no revision or key version of a record');
      return [uidOf(recordUid), { revision, keyVersion, confirmation: 0n }]; // says nothing of where it leads
    }),
  );
}

import type { MessageInitShape } from '@bufbuild/protobuf';
import { empty, wipe, type Bytes } from '../../protocol/bytes.ts';
import {
  DiagnosedLeg,
  type DiagnoseReplySchema,
  type DiagnoseRequest,
  type LegDiagnosisSchema,
} from '../../protocol/messages/gen/command_pb.js';
import type { RosterMember } from '../../protocol/signed/roster.ts';
import type { Uid } from '../../protocol/uid.ts';
import { askArguments, type GuacdProtocol } from '../guacd/handshake.ts';
import { InstructionSocket } from '../guacd/instruction-socket.ts';
import { leaseGuacd } from '../guacd/lease.ts';
import type { DetourOffer, Detours } from '../media/detours.ts';
import type { Peer } from '../media/peer.ts';
import type { AccessCheck } from '../router/access-check.ts';
import type { AdmittedCommand } from '../router/command-gate.ts';
import type { OfferedWays } from '../router/command-desk.ts';
import { Refusal } from '../router/refusal.ts';
import type { RosterKeeper } from '../router/roster-keeper.ts';
import { readJumpMachine } from '../secrets/jump-machine.ts';
import { requireRevision, type Machine, type MachineReader } from '../secrets/machine.ts';
import type { Settings } from '../settings.ts';
import { connectTcp } from '../ssh/tcp.ts';
import { SessionFailure, withDeadline, type SessionLeg } from '../terminal/failure.ts';
import { refusing } from './resumption.ts';

export interface DiagnosisParts {
  readonly machines: MachineReader;
  readonly access: AccessCheck;
  readonly roster: Pick<RosterKeeper, 'requireMember'>;
  readonly detours: Pick<Detours, 'prepare' | 'expect'>;
  readonly guacd: Settings['guacd'];
  readonly gatewayUid: Uid;
  readonly signal: AbortSignal;
}

/** What a diagnosis tries. */
interface Found extends Pick<Machine, 'host' | 'port' | 'settings'> {
  readonly jump: Pick<Machine, 'host' | 'port'> | null;
}

/** Both together stay below the time in which a command is answered. */
const legMs = 6_000;
/** Of one account: what a person clicks, and no way to look through a network by changing a record. */
const each = { atMost: 10, inMs: 60_000 };
const mostAccounts = 1_024;

/**
 * Tries what a session on a machine needs of this gateway, and says how far that comes: no more than the same person
 * would learn by connecting, and nothing is logged in to. protocol.md §12.10.
 */
export class Diagnosis {
  readonly #parts: DiagnosisParts;
  readonly #begun = new Map<Uid, number[]>();

  constructor(parts: DiagnosisParts) {
    this.#parts = parts;
  }

  /** Throws a {@link Refusal}: as for connect, and `busy` for who asks too often. */
  async run(
    { command, member }: AdmittedCommand,
    request: DiagnoseRequest,
    { detourTicket: ticket }: Pick<OfferedWays, 'detourTicket'>,
  ): Promise<MessageInitShape<typeof DiagnoseReplySchema>> {
    if (command.recordUid === null) throw new Refusal('malformed', 'diagnose names no record');
    this.#count(member.accountUid, performance.now());
    const machine = await this.#readMachine(command.recordUid, member, request);
    const legs = await Promise.all([
      this.#try(DiagnosedLeg.GUACD, 'guacd', (signal) => this.#shakeHands(machine, signal)),
      this.#tryAddress(machine),
    ]);
    const detourKey = await this.#expectDetour(command.commandUid, { ticket, pageKey: request.detourKey });
    return { legs, detourKey };
  }

  /** The page may open it as soon as it has the answer; the command stands for session and peer. This gateway's key, or none. */
  async #expectDetour(commandUid: Uid, offer: DetourOffer): Promise<Bytes> {
    const { detours, gatewayUid, signal } = this.#parts;
    const scope = { sessionUid: commandUid, peerUid: commandUid, gatewayUid, attempt: 0 };
    const detour = await refusing({}, 'malformed', () => detours.prepare(offer, scope));
    if (detour) detours.expect(detour, { takeDetour: (_, begin) => tryDetour(begin, signal) });
    return detour?.publicKey ?? empty;
  }

  /** Of a machine behind another the gateway knows no more than that other without logging in there. */
  #tryAddress({ jump, ...machine }: Found) {
    if (jump === null) return this.#try(DiagnosedLeg.TARGET, 'target', (signal) => knock(machine, signal));
    return this.#try(DiagnosedLeg.JUMP, 'target', (signal) => knock(jump, signal));
  }

  async #readMachine(recordUid: Uid, member: RosterMember, request: DiagnoseRequest): Promise<Found> {
    const { machines, access, roster, signal } = this.#parts;
    const { machine, revision, rosterVersion } = await machines.readMachine(recordUid, signal);
    wipe(machine.trafficSeed, machine.copyKey);
    await roster.requireMember(rosterVersion, member);
    requireRevision(revision, request.recordRevision);
    const { ownerUid, keyVersion } = machine;
    access.require({ accountUid: member.accountUid, recordUid, ownerUid, keyVersion }, request.access);
    const { jumpMachineUid: jumpUid } = machine.connection;
    const jump =
      jumpUid === undefined ? null : await readJumpMachine(machines, recordUid, jumpUid, 0n, signal);
    return { host: machine.host, port: machine.port, settings: machine.settings, jump };
  }

  async #shakeHands({ settings }: Found, signal: AbortSignal): Promise<void> {
    const lease = await leaseGuacd(this.#parts.guacd, legMs, signal);
    try {
      const socket = await InstructionSocket.connect(lease.host, lease.port, signal);
      const protocol: GuacdProtocol = settings.protocol;
      await askArguments(socket, { protocol }, legMs, signal).finally(() => socket.close(0));
    } finally {
      lease.release();
    }
  }

  async #try(
    leg: DiagnosedLeg,
    name: SessionLeg & ('guacd' | 'target'),
    attempt: (signal: AbortSignal) => Promise<void>,
  ): Promise<MessageInitShape<typeof LegDiagnosisSchema>> {
    const begunAt = performance.now();
    const late = () => new SessionFailure(name, `${name}-timed-out`);
    const code = await withDeadline(legMs, this.#parts.signal, late, attempt).then(
      () => '',
      (error: unknown) => (error instanceof SessionFailure ? error.code : 'internal'),
    );
    return { leg, code, tookMs: Math.round(performance.now() - begunAt) };
  }

  #count(accountUid: Uid, now: number): void {
    const recent = (this.#begun.get(accountUid) ?? []).filter((at) => at > now - each.inMs);
    if (recent.length >= each.atMost) throw new Refusal('busy', 'too many diagnoses in a minute');
    this.#begun.delete(accountUid); // the one that asked last is forgotten last
    this.#begun.set(accountUid, [...recent, now]);
    const [eldest] = this.#begun.keys();
    if (this.#begun.size > mostAccounts && eldest !== undefined) this.#begun.delete(eldest);
  }
}

async function knock({ host, port }: Pick<Machine, 'host' | 'port'>, signal: AbortSignal): Promise<void> {
  (await connectTcp(host, port, signal)).destroy();
}

/** Left as soon as the page has it: that it comes about is all that is asked. */
function tryDetour(begin: Parameters<Peer['takeDetour']>[1], signal: AbortSignal): void {
  const stop = new AbortController();
  const link = begin({
    onOpen: () => stop.abort(),
    onMessage: () => stop.abort(),
    onRoom: () => undefined,
    onLost: () => stop.abort(),
  });
  AbortSignal.any([signal, stop.signal]).addEventListener('abort', () => link.close(), { once: true });
}

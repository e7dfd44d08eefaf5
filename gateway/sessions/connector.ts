import type { MovedFiles } from '../files/file-reports.ts';
import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import type { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { wipe, type Bytes } from '../../protocol/bytes.ts';
import type { IceServers } from '../../protocol/channel/ice-servers.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { ConnectRequestSchema, type ConnectRequest } from '../../protocol/messages/gen/command_pb.js';
import { Leg } from '../../protocol/messages/gen/session_pb.js';
import { SessionKeys, type SessionScope } from '../../protocol/session/session-keys.ts';
import { signReply } from '../../protocol/signed/command.ts';
import type { LimitSettings } from '../../protocol/records/pam-settings.ts';
import type { Uid } from '../../protocol/uid.ts';
import { fileSettingsOf } from '../files/session-files.ts';
import type { GatewayOffers } from '../guacd/offers.ts';
import type { Logger } from '../log/logger.ts';
import type { Detours } from '../media/detours.ts';
import type { Peers } from '../media/peers.ts';
import type { SessionRecorder } from '../recording/session-recorder.ts';
import type { AccessCheck } from '../router/access-check.ts';
import type { OfferedWays } from '../router/command-desk.ts';
import type { AdmittedCommand } from '../router/command-gate.ts';
import type { LaunchAccess } from '../router/launch-access.ts';
import { Refusal } from '../router/refusal.ts';
import type { RosterKeeper } from '../router/roster-keeper.ts';
import { readJump, type JumpMachine } from '../secrets/jump-machine.ts';
import { requireRevision, type Credential, type Machine, type MachineReader } from '../secrets/machine.ts';
import { suppliedCredential } from '../secrets/supplied-credential.ts';
import type { MediaSettings } from '../settings.ts';
import { encodeConnectReply, termsOf, type OpenedSession } from './connect-reply.ts';
import type { RecordingNotice, Recorded, SessionRecordings } from './session-recordings.ts';
import { holdSecrets } from './held-secrets.ts';
import { trustedHostKeys } from './host-keys.ts';
import type { SessionLimits } from './session-clock.ts';
import { CandidateRelay, peerOfPage } from './page-peer.ts';
import { relaysOf, resumeKeyOf } from './resumption.ts';
import { ends } from './session-end.ts';
import type { SessionAccess } from './session-access.ts';
import { Session, type SessionOptions, type Shell, type ShellHooks } from './session.ts';
import type { Sessions } from './sessions.ts';

/** Everything that opening a shell needs, from the sealed records and the sealed request. */
export interface ShellOrder {
  readonly machine: Machine;
  /** null: the target lets in without, or asks by itself. */
  readonly credential: Credential | null;
  readonly request: ConnectRequest;
  /** The host keys that may be met; none: an unknown one is shown. */
  readonly trustedKeys: readonly string[];
  /** Through which the target is reached; null: from the gateway's own network. */
  readonly jump: TrustedJump | null;
  /** What sees everything that flows; null: nobody does. */
  readonly recorder: Pick<SessionRecorder, 'shell' | 'picture' | 'typed'> | null;
}

/** A jump machine, and the one host key that it may show. */
export interface TrustedJump extends JumpMachine {
  readonly trustedKeys: readonly string[];
}

interface SessionOrder {
  readonly machine: Machine;
  readonly access: LaunchAccess;
  readonly resourceKey: SymmetricKey;
  readonly scope: SessionScope;
  readonly keys: SessionKeys;
  readonly request: ConnectRequest;
  readonly trustedKeys: readonly string[];
  readonly jump: TrustedJump | null;
  readonly resumeKey: Bytes | null;
  readonly iceServers: IceServers;
  readonly detourTicket: Uint8Array;
}

type ReadOrder = Omit<SessionOrder, 'iceServers' | 'detourTicket'>;

export interface ConnectorOptions {
  readonly gatewayUid: Uid;
  readonly device: Signer;
  readonly machines: MachineReader;
  readonly roster: RosterKeeper;
  readonly access: AccessCheck;
  readonly running: SessionAccess;
  readonly recordings: SessionRecordings;
  readonly peers: Peers;
  readonly sessions: Sessions;
  readonly detours: Pick<Detours, 'prepare' | 'expect'>;
  readonly media: MediaSettings;
  readonly offers: GatewayOffers;
  /** Who may look on at sessions of that account here. */
  readonly watchedBy: (accountUid: Uid) => { readonly silent: boolean } | null;
  readonly openShell: (order: ShellOrder, hooks: ShellHooks) => Promise<Shell>;
  readonly sendSignal: (sessionUid: Uid, sealed: Uint8Array) => void;
  /** The server hears of files that went in a session. */
  readonly tellFiles: (sessionUid: Uid, files: MovedFiles) => void;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** Carries out connect commands, from the record to a session under way. */
export class Connector {
  readonly #options: ConnectorOptions;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /** The sealed reply, and what to call when it has left. Throws a {@link Refusal}. */
  async connect(
    admitted: AdmittedCommand,
    ways: OfferedWays,
  ): Promise<{ readonly sealed: Bytes; readonly onSent: () => void }> {
    const begunAt = performance.now();
    const giveBack = this.#options.sessions.reserve(admitted.member.accountUid);
    try {
      const iceServers = relaysOf(ways.iceServers);
      const { detourTicket } = ways;
      const order = { ...(await this.#readOrder(admitted)), iceServers, detourTicket };
      const { session, ...said } = await this.#makeSession(admitted, order, begunAt);
      return await this.#reply(admitted, order, session, said);
    } finally {
      giveBack();
    }
  }

  /** The session's own reports wait until the reply has left: the page hears of it first. */
  async #reply(
    { signed }: AdmittedCommand,
    { keys, machine, access }: SessionOrder,
    session: Session,
    opened: OpenedSession,
  ): Promise<{ readonly sealed: Bytes; readonly onSent: () => void }> {
    try {
      const times = { accessLeaseMs: access.leaseMs, resumeMs: session.graceMs };
      const reply = encodeConnectReply(machine, this.#options.offers, opened, session.terms, times);
      const sealed = await keys.sealMessage(await signReply(this.#options.device, signed.command, reply));
      session.reporter.progress(Leg.GATEWAY, 'done');
      return { sealed, onSent: () => session.reporter.release() };
    } catch (error) {
      session.reporter.release();
      session.end(ends.internal);
      throw error;
    }
  }

  async #readOrder({ command, member, signed }: AdmittedCommand): Promise<ReadOrder> {
    const { machines, sessions, gatewayUid, signal } = this.#options;
    const { recordUid, sessionUid, sessionNonce } = command;
    if (recordUid === null || sessionUid === null || sessionNonce.length !== 16)
      throw new Refusal('malformed', 'connect names no record or session');
    // A window of seen UIDs ends; a session may last longer.
    if (sessions.find(sessionUid) !== null) throw new Refusal('replayed', 'there is such a session');
    const { machine, rosterVersion, ...given } = await machines.readMachine(recordUid, signal);
    const scope = { sessionUid, recordUid, gatewayUid };
    try {
      await this.#options.roster.requireMember(rosterVersion, member);
      const keys = await SessionKeys.derive('gateway', scope, machine.trafficSeed, sessionNonce);
      const request = await openRequest(keys, signed.sealedPayload);
      requireRevision(given.revision, request.recordRevision);
      requireRevision(given.configurationRevision, request.configurationRevision);
      const { ownerUid, keyVersion } = machine;
      const asked = { accountUid: member.accountUid, recordUid, ownerUid, keyVersion };
      const access = this.#options.access.require(asked, request.access);
      const byOwner = member.accountUid === ownerUid;
      const trustedKeys = trustedHostKeys(machine, request, byOwner);
      const jump = await this.#jumpOf(machine, recordUid, request, byOwner);
      const resourceKey = await this.#options.recordings.resourceKeyOf(machine, recordUid);
      const resumeKey = resumeKeyOf(request);
      return { machine, access, resourceKey, scope, keys, request, trustedKeys, jump, resumeKey };
    } finally {
      wipe(machine.trafficSeed, machine.copyKey);
    }
  }

  async #jumpOf(machine: Machine, recordUid: Uid, request: ConnectRequest, byOwner: boolean) {
    const { machines, signal } = this.#options;
    const jump = await readJump(machines, { recordUid, machine }, request, signal);
    if (jump === null) return null;
    const stated = { pinnedHostKey: request.jump?.pinnedHostKey ?? '', acceptedHostKey: '' };
    return { ...jump, trustedKeys: trustedHostKeys(jump.machine, stated, byOwner) };
  }

  async #makeSession(admitted: AdmittedCommand, order: SessionOrder, begunAt: number) {
    const { machine, scope, resourceKey } = order;
    const { accountUid } = admitted.member;
    const recorded = await this.#options.recordings.begin({ machine, scope, accountUid, resourceKey });
    try {
      const made = await this.#openSession(admitted, order, begunAt, recorded);
      recorded.follow(made.session);
      return { ...made, recording: recorded.notice };
    } catch (error) {
      recorded.giveUp();
      throw error;
    }
  }

  async #openSession(
    { member }: AdmittedCommand,
    order: SessionOrder,
    begunAt: number,
    { recorder, notice }: Recorded,
  ) {
    const { accountUid } = member;
    const { sessionUid, recordUid } = order.scope;
    const log = this.#options.log.with({ session: sessionUid, record: recordUid, account: accountUid });
    const { machine, request, jump } = order;
    const credential = await this.#credentialFor(machine, request);
    const release = holdSecrets(log, [credential, jump?.credential ?? null]);
    try {
      const candidates = new CandidateRelay();
      const { iceServers, detourTicket } = order;
      const { peer, ...ways } = await peerOfPage(this.#options, {
        ...{ accountUid, sessionUid, request, iceServers, detourTicket, onCandidate: candidates.found },
      });
      const owned = { accountUid, peer, begunAt, log };
      const session = this.#newSession(order, owned, { credential, recorder }, notice);
      void session.ended.then(release);
      candidates.tell((candidate, mid) => session.reporter.candidate(candidate, mid));
      const token = randomBytes(16);
      const files = fileSettingsOf(machine.settings, this.#options.offers);
      const fileToken = files !== null ? randomBytes(16) : null;
      this.#options.sessions.add(session, token, fileToken);
      session.start();
      this.#options.running.watch(session, order.access);
      const watch = this.#options.watchedBy(accountUid);
      return { session, ...ways, token, fileToken, watch };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Of the person, else of the record, else none: an SSH server would not even ask. */
  async #credentialFor(machine: Machine, request: ConnectRequest): Promise<Credential | null> {
    const { machines, signal } = this.#options;
    const { launchCredentialUid: linked, settings } = machine;
    const read = () => linked && machines.readCredential(linked, request.credentialRevision, signal);
    const credential = request.supplied
      ? suppliedCredential(machine.connection, request.supplied)
      : await read();
    if (settings.protocol === 'ssh' && !credential?.username)
      throw new Refusal('credential-needed', 'there is no login for the machine');
    return credential;
  }

  #newSession(
    { machine, scope, keys, request, trustedKeys, jump, resumeKey }: SessionOrder,
    owned: Pick<SessionOptions, 'accountUid' | 'peer' | 'begunAt' | 'log'>,
    known: Pick<ShellOrder, 'credential' | 'recorder'>,
    recording: RecordingNotice | null,
  ): Session {
    const { openShell, sendSignal, tellFiles, offers } = this.#options;
    const { sessionUid: uid, recordUid } = scope;
    return new Session({
      ...{ uid, recordUid, keys, resumeKey, ...owned, protocol: machine.settings.protocol },
      graceMs: resumeKey === null ? 0 : this.#graceOf(machine),
      limits: inMilliseconds(machine.connection.limits),
      files: fileSettingsOf(machine.settings, offers),
      terms: termsOf(machine, owned.accountUid, recording),
      openShell: (hooks) => openShell({ machine, request, trustedKeys, jump, ...known }, hooks),
      sendSignal: (sealed) => sendSignal(uid, sealed),
      onFiles: (files) => tellFiles(uid, files),
      onTyped: (accountUid) => known.recorder?.typed(accountUid),
    });
  }

  #graceOf({ connection: { reconnectSeconds } }: Machine): number {
    return reconnectSeconds === undefined ? this.#options.media.reconnectMs : reconnectSeconds * 1_000;
  }
}

/** The record has minutes. */
function inMilliseconds({ idle, longest }: LimitSettings): SessionLimits {
  return { idleMs: idle * 60_000, longestMs: longest * 60_000 };
}

async function openRequest(keys: SessionKeys, sealed: Uint8Array): Promise<ConnectRequest> {
  try {
    return decodeMessage(ConnectRequestSchema, await keys.openMessage(sealed));
  } catch {
    throw new Refusal('offer-unreadable', 'the request does not open under the record’s traffic key');
  }
}

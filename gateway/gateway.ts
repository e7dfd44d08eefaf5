import type { MovedFiles } from './files/file-reports.ts';
import { signerAside } from '../protocol/crypto/ecdsa.ts';
import { ProtocolError, toProtocolError } from '../protocol/errors.ts';
import type { SignedCommand } from '../protocol/messages/gen/command_pb.js';
import type { RelayedCommand, RouterToGatewayFrame } from '../protocol/messages/gen/link_pb.js';
import { findMember, type Roster } from '../protocol/signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../protocol/uid.ts';
import { join } from 'node:path';
import type { GatewayConfig } from './config.ts';
import type { Logger } from './log/logger.ts';
import { Drives } from './drive/drives.ts';
import { Detours } from './media/detours.ts';
import { Peers } from './media/peers.ts';
import { Oversight } from './oversight/oversight.ts';
import { SessionPolicyFile } from './oversight/session-policy-file.ts';
import { SessionPolicyKeeper } from './oversight/session-policy-keeper.ts';
import type { RisingState } from './rising-state.ts';
import { Recordings, type RecordingsOptions } from './recording/recordings.ts';
import { AccessCheck } from './router/access-check.ts';
import { CommandDesk } from './router/command-desk.ts';
import { CommandGate } from './router/command-gate.ts';
import { Link } from './router/link.ts';
import { RosterKeeper } from './router/roster-keeper.ts';
import { ServerCalls } from './router/server-calls.ts';
import { ServerDoor, serverPaths } from './router/server-door.ts';
import { MachineReader } from './secrets/machine.ts';
import { RecordReader } from './secrets/record-reader.ts';
import { Connector } from './sessions/connector.ts';
import { Diagnosis } from './sessions/diagnosis.ts';
import { countShown, describeGateway, listTasks } from './sessions/description.ts';
import { openShell } from './sessions/open-shell.ts';
import { Resumption } from './sessions/resumption.ts';
import { SessionAccess } from './sessions/session-access.ts';
import { ends } from './sessions/session-end.ts';
import { SessionRecordings } from './sessions/session-recordings.ts';
import { Sessions } from './sessions/sessions.ts';
import type { Settings } from './settings.ts';
import { GuestConnector } from './sharing/guest-connector.ts';
import { SessionShares } from './sharing/session-shares.ts';
import { gatewayVersion } from './version.ts';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly state: RisingState;
  readonly settings: Settings;
  readonly log: Logger;
  /** Where recordings wait for the server unless a setting says; without either, sessions that must be recorded are refused. */
  readonly recordingsFolder?: string | null;
  /** Keeps who may look on at sessions here; without one that is forgotten with the process. */
  readonly policyFile?: SessionPolicyFile;
  /** Where the drives of sessions are kept unless a setting says. */
  readonly drivesFolder?: string | null;
  /** limits.accessLeaseMs unless a test is in a hurry. */
  readonly accessLeaseMs?: number;
}

export interface RunningGateway {
  /** Settles with the first welcome of the router. */
  readonly online: Promise<void>;
  readonly sessions: Sessions;
  /** Ends sessions, tells guacd and pages, closes peers and the link. */
  close(): Promise<void>;
}

/** Starts a gateway in this process; it looks for its router until it is closed. */
export function startGateway(options: GatewayOptions): RunningGateway {
  const gateway = new Gateway(options);
  gateway.run();
  return gateway;
}

/** Puts the parts together: what comes by the link goes to whoever is in charge of it. */
class Gateway implements RunningGateway {
  readonly online: Promise<void>;
  readonly sessions: Sessions;
  readonly #log: Logger;
  readonly #door: ServerDoor;
  readonly #link: Link;
  readonly #roster: RosterKeeper;
  readonly #desk: CommandDesk;
  readonly #access: AccessCheck;
  readonly #peers: Peers;
  readonly #detours: Detours;
  readonly #recordings: Recordings;
  readonly #oversight: Oversight;
  readonly #drives: Drives | null;
  readonly #stop = new AbortController();
  readonly #held: (() => void)[];
  #running: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(options: GatewayOptions) {
    const { config, state, settings } = options;
    const { server, serverIdentity: identity, gatewayUid } = config;
    const { certificateAuthority } = settings;
    const log = options.log.with({ gateway: gatewayUid });
    const device = { ...signerAside(config.privateKey), privateKey: config.privateKey };
    const online = Promise.withResolvers<void>();
    this.#log = log;
    this.#held = [log.secrets.hold(config.privateKey), log.secrets.hold(config.appKey)];
    this.online = online.promise;
    this.#door = new ServerDoor({ server, identity, state, certificateAuthority });
    this.#peers = new Peers(log);
    this.#detours = new Detours({
      ...{ url: this.#door.socketUrl(serverPaths.detour), tls: () => this.#door.tls },
      allowed: settings.media.throughServer,
    });
    this.sessions = new Sessions(log, (sessionUid, code) => this.#sessionEnded(sessionUid, code));
    this.#roster = new RosterKeeper({ ...config, state, request: () => this.#requestRoster() });
    this.#link = new Link({
      ...{ door: this.#door, gatewayUid, clientId: config.clientId, device, appKey: config.appKey },
      ...{ version: gatewayVersion, log },
      onFrame: (body) => this.#take(body),
      onOnline: () => online.resolve(), // the roster follows a welcome unasked
    });
    const records = { ...config, state, log, roster: () => this.#roster.present };
    const reader = new RecordReader(this.#door, config, records);
    const roster = () => this.#roster.present;
    const leaseMs = options.accessLeaseMs;
    this.#access = new AccessCheck({ roster, ...(leaseMs !== undefined && { leaseMs }) });
    const machines = new MachineReader({ reader, config, devicePublicKey: device.publicKey });
    const { signal } = this.#stop;
    const { ownerUid } = config;
    const running = new SessionAccess({ check: this.#access, machines, state, ownerUid, roster, signal });
    const calls = new ServerCalls(this.#door, config.clientId, device);
    const { applicationUid } = config;
    const spool = spoolOf(settings, options.recordingsFolder ?? null);
    this.#recordings = new Recordings({ device, applicationUid, calls, spool, log });
    const recordings = new SessionRecordings(this.#recordings, applicationUid, log);
    this.#drives = drivesOf(options, log);
    const plugins = settings.guacd.plugins !== false;
    const { policyFile: file = SessionPolicyFile.inMemory() } = options;
    const { publicKey: deviceKey } = device;
    const keeper = new SessionPolicyKeeper({
      ...{ file, gatewayUid, deviceKey, ownerUid, roster, log, onChanged: () => this.#oversight.review() },
    });
    const connector = new Connector({
      ...{ gatewayUid, device, log, roster: this.#roster, peers: this.#peers, sessions: this.sessions },
      detours: this.#detours,
      ...{ access: this.#access, running, recordings, machines, signal },
      ...{ media: settings.media, offers: { drive: this.#drives !== null, sound: plugins } },
      watchedBy: (accountUid) => keeper.watchedBy(accountUid),
      openShell: (order, hooks) => openShell({ guacd: settings.guacd, drives: this.#drives }, order, hooks),
      tellFiles: (sessionUid, files) => this.#tellFiles(sessionUid, files),
      sendSignal: (sessionUid, sealed) => this.#sendSignal(sessionUid, sealed),
    });
    const shares = new SessionShares({ sessions: this.sessions, roster, now: Date.now, log });
    const guests = new GuestConnector({
      ...{ gatewayUid, device, shares, roster, log, peers: this.#peers, sessions: this.sessions },
      detours: this.#detours,
      media: settings.media,
      sendSignal: (sessionUid, sealed) => this.#sendSignal(sessionUid, sealed),
    });
    this.#oversight = new Oversight({ keeper, shares, roster, sessions: this.sessions });
    const oversight = this.#oversight;
    const resumption = new Resumption({
      device,
      sessions: this.sessions,
      detours: this.#detours,
      gatewayUid,
    });
    const { guacd } = settings;
    const diagnosis = new Diagnosis({
      ...{ gatewayUid, machines, guacd, signal },
      ...{ access: this.#access, roster: this.#roster, detours: this.#detours },
    });
    const gate = new CommandGate({ gatewayUid, roster: this.#roster, state, now: Date.now });
    this.#desk = new CommandDesk({
      ...{ gatewayUid, device, log, gate },
      handlers: {
        connect: (admitted, ways) => connector.connect(admitted, ways),
        resume: (admitted, ways) => resumption.resume(admitted, ways),
        join: (admitted, ways) => guests.join(admitted, ways),
        shareSession: (request, member) => shares.share(member, request),
        unshareSession: (request, member) => shares.unshare(member, request),
        describe: async () => {
          const spooled = await this.#recordings.spoolState();
          const shown = countShown(this.sessions, shares);
          return await describeGateway(settings, shown, this.#roster.version, spooled);
        },
        listTasks: (member) => listTasks(this.sessions, shares, member),
        endSession: (request, member) => oversight.end(request, member),
        setSessionPolicy: (signed, member) => oversight.setPolicy(member, signed),
        readSessionPolicy: (member) => oversight.readPolicy(member, ownerUid),
        watchSession: (command, request, member) => oversight.watch(command, request, member),
        endAccess: (request, member) => running.withdraw(member, request),
        renewAccess: (request, member) => running.renew(member, request),
        diagnose: (admitted, request, ways) => diagnosis.run(admitted, request, ways),
      },
    });
  }

  run(): void {
    this.#log.info('gateway started', { server: this.#door.server, version: gatewayVersion });
    this.#running = this.#link.run();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#log.info('gateway stopping', { sessions: this.sessions.size });
    await this.sessions.close();
    await this.#recordings.close();
    await this.#drives?.close();
    this.#stop.abort();
    await this.#link.close();
    await this.#running;
    this.#detours.close();
    this.#peers.close();
    this.#door.close();
    for (const release of this.#held) release();
  }

  #take(body: RouterToGatewayFrame['body']): void {
    switch (body.case) {
      case 'command':
        if (body.value.command === undefined) throw new ProtocolError('malformed', 'no command');
        return void this.#answer(body.value, body.value.command);
      case 'signal':
        return this.sessions.find(uidOf(body.value.sessionUid))?.receiveSignal(body.value.sealed);
      case 'roster':
        return void this.#acceptRoster(() => this.#roster.accept(body.value));
      case 'rosterPart':
        return void this.#acceptRoster(() => this.#roster.acceptPart(body.value));
      case 'vaultGone':
        // Its sessions live on by their streams; those without one run into their deadline.
        return this.#log.info('vault link gone', { sessions: body.value.sessionUids.length });
      case 'signedOut':
        // A router may always refuse to serve; which sessions these are, it knows.
        for (const uid of body.value.sessionUids) this.sessions.find(uidOf(uid))?.end(ends.signedOut);
        return;
      case 'detourWanted':
        return this.#detours.wanted(body.value.ticket);
      case 'challenge':
      case 'welcome':
      case 'closing':
      case undefined:
        throw new ProtocolError('malformed', 'a frame out of its place');
    }
  }

  async #answer({ relayId, ...ways }: RelayedCommand, command: SignedCommand): Promise<void> {
    const { reply, onSent } = await this.#desk.answer(command, ways);
    this.#link.send({ case: 'reply', value: { relayId, reply } });
    onSent();
  }

  async #acceptRoster(accept: () => Promise<Roster | null>): Promise<void> {
    try {
      const roster = await accept();
      if (roster === null) return;
      this.#log.info('roster in use', { roster: roster.version });
      for (const session of this.sessions.list())
        if (!findMember(roster, session.accountUid)) session.end(ends.memberGone);
      this.#access.review();
      this.#oversight.review();
    } catch (error) {
      // The one in use stays: a router that brings a wrong one gets no say.
      this.#log.warn('roster refused', { code: toProtocolError(error)?.code ?? 'internal' });
    }
  }

  #requestRoster(): void {
    if (this.#link.online) this.#link.send({ case: 'rosterRequest', value: {} });
  }

  #sendSignal(sessionUid: Uid, sealed: Uint8Array): void {
    this.#link.send({ case: 'signal', value: { sessionUid: uidBytes(sessionUid), sealed } });
  }

  #tellFiles(sessionUid: Uid, { size, ...files }: MovedFiles): void {
    const value = { sessionUid: uidBytes(sessionUid), ...files, size: BigInt(size) };
    this.#link.send({ case: 'filesMoved', value });
  }

  #sessionEnded(sessionUid: Uid, code: string): void {
    this.#link.send({ case: 'sessionEnded', value: { sessionUid: uidBytes(sessionUid), code } });
  }
}

function spoolOf({ recordings }: Settings, usual: string | null): RecordingsOptions['spool'] {
  const folder = recordings.folder ?? usual;
  return folder === null ? null : { folder, mostBytes: recordings.mostBytes };
}

/** guacd's account may not come to where an administrator's configuration lies. */
const foreignDrives = '/var/cache/sallyport/drives';

/** null: there is no folder for them, or guacd has no plug-in to show them. */
function drivesOf({ settings, config, drivesFolder }: GatewayOptions, log: Logger): Drives | null {
  const { guacd, drives } = settings;
  const { account = null } = guacd;
  const usual = account === null ? (drivesFolder ?? null) : foreignDrives;
  const folder = drives.folder ?? usual;
  if (folder === null || guacd.plugins === false) {
    const reason = folder === null ? 'SALLYPORT_GATEWAY_DRIVES names no folder' : 'guacd has no plug-ins';
    log.warn('no drives for RDP sessions', { reason });
    return null;
  }
  const { mostBytes } = drives;
  return new Drives({ folder: join(folder, config.gatewayUid), account, mostBytes, log });
}

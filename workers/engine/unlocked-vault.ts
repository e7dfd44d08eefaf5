import type { SessionEvent, VaultState } from '../api.ts';
import { wipeAccountKeys } from '../../protocol/vault/account-keys.ts';
import type { AccountDesk } from './account/account-desk.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { ApiClient } from './connection/api-client.ts';
import { CommandDesk } from './gateways/command-desk.ts';
import type { DeviceSession } from './connection/device-session.ts';
import { Devices } from './devices/devices.ts';
import type { Environment } from './environment.ts';
import { Files } from './files/files.ts';
import { recordAccess } from './files/record-access.ts';
import type { TransferBoard } from './files/transfer-board.ts';
import { GatewayCommands } from './gateways/gateway-commands.ts';
import { Gateways } from './gateways/gateways.ts';
import type { FreshDataKey } from './account/fresh-data-key.ts';
import { ConfirmedMachines } from './key-rotation/confirmed-machines.ts';
import { KeyRotation } from './key-rotation/key-rotation.ts';
import type { OpenedAccount } from './account/opened-account.ts';
import type { SharedFolder } from '../../protocol/messages/gen/sharing_pb.js';
import { findMember } from '../../protocol/signed/roster.ts';
import { MemberSuccessions } from './organisation/member-successions.ts';
import { OrganisationDesk } from './organisation/organisation-desk.ts';
import { Passkeys } from './account/passkeys.ts';
import { SecondFactors } from './account/second-factors.ts';
import { Detours } from './sessions/detours.ts';
import { IceServersDesk } from './sessions/ice-servers-desk.ts';
import { Sessions } from './sessions/sessions.ts';
import { OversightDesk } from './oversight/oversight-desk.ts';
import { secretFileWork } from './secrets/secret-files.ts';
import { SecretsDesk } from './secrets/secrets-desk.ts';
import { SessionLog } from './session-log/session-log.ts';
import { SessionShares } from './session-shares/session-shares.ts';
import { KeepingDesk } from './recordings/keeping-desk.ts';
import { Recordings } from './recordings/recordings.ts';
import { ShareLinks } from './share-links/share-links.ts';
import type { StateBoard } from './state.ts';
import type { RecordBook } from './records/record-book.ts';
import type { Records } from './records/records.ts';
import type { Sync } from './sync/sync.ts';
import { JumpMachines } from './sessions/jump-machines.ts';
import { SessionTargets } from './sessions/session-target.ts';
import { AccessNotices } from './sharing/access-notices.ts';
import { rostersOf } from './sharing/roster-source.ts';
import { ShareBook } from './sharing/share-book.ts';
import { SharingDesk } from './sharing/sharing-desk.ts';
import type { LocalCopy } from './storage.ts';
import { Upkeep } from './upkeep.ts';
import { VaultData } from './vault-data.ts';
import { VaultLink } from './connection/vault-link.ts';
import { VaultSession } from './connection/vault-session.ts';

export interface UnlockedParts {
  readonly environment: Environment;
  readonly api: ApiClient;
  readonly board: StateBoard;
  readonly transfers: TransferBoard;
  readonly account: OpenedAccount;
  readonly session: DeviceSession;
  /** As VaultDataParts. */
  readonly copy: Promise<LocalCopy> | null;
  readonly accounts: AccountDesk;
  readonly fresh: FreshDataKey;
  /** The ways to open the copy on this device changed. */
  readonly onWaysChanged: () => Promise<void>;
  readonly onSessionEnded: () => void;
  readonly onSessionEvent: (event: SessionEvent) => void;
}

interface OpenedParts {
  readonly session: VaultSession;
  readonly data: VaultData;
  readonly shares: ShareBook;
  readonly successions: MemberSuccessions;
  readonly closing: AbortController;
}

/** Everything that exists between unlock and lock. Closing it lets go of every key. */
export class UnlockedVault {
  readonly account: OpenedAccount;
  readonly session: VaultSession;
  readonly data: VaultData;
  readonly link: VaultLink;
  readonly files: Files;
  readonly shareLinks: ShareLinks;
  readonly gateways: Gateways;
  readonly commands: GatewayCommands;
  readonly sessions: Sessions;
  readonly sessionShares: SessionShares;
  readonly oversight: OversightDesk;
  readonly sessionLog: SessionLog;
  readonly recordings: Recordings;
  readonly iceServers: IceServersDesk;
  readonly devices: Devices;
  readonly factors: SecondFactors;
  readonly passkeys: Passkeys;
  readonly organisation: OrganisationDesk;
  readonly sharing: SharingDesk;
  readonly secrets: SecretsDesk;
  readonly confirmedMachines: ConfirmedMachines;
  readonly keyRotation: KeyRotation;
  readonly #desk: CommandDesk;
  readonly #upkeep: Upkeep;
  readonly #warn: (message: string) => void;
  readonly #closing: AbortController;
  #online = false;

  /** Reads the sealed local copy. Throws `untrusted` when its manifest is not this account's. */
  static async open(parts: UnlockedParts): Promise<UnlockedVault> {
    const { environment, account, board } = parts;
    const session = new VaultSession(parts.api, parts.session, parts.onSessionEnded);
    const closing = new AbortController();
    const show = (change: Partial<VaultState>) => {
      if (!closing.signal.aborted) board.update(change);
    };
    let opened: UnlockedVault | null = null;
    const rosters = rostersOf(account.organisation, () => opened?.organisation.book ?? null);
    const now = () => environment.clock.now();
    const { warn } = environment;
    const successions = new MemberSuccessions({ session, organisationUid: account.organisation.uid, warn });
    const { keys } = account;
    const isCovered = (folder: SharedFolder) => opened?.data.covers(folder) ?? false;
    const shares = new ShareBook({ keys, rosters, now, isCovered, warn });
    const data = await VaultData.open({
      ...{ environment, account, session, signal: closing.signal, copy: parts.copy },
      sharing: shares,
      recordTypes: () => opened?.organisation.recordTypes ?? [],
      formerKeysOf: async (uid) => {
        const member = findMember(account.organisation.roster, uid);
        return member ? await successions.formerKeysOf(member) : [];
      },
      rosterVersion: () => account.organisation.rosterVersion,
      rosterAtLeast: async (version) => await opened?.organisation.book.atLeast(version),
      version: () => board.current.recordsVersion,
      onSyncing: (syncing) => show({ syncing }),
      onIncomplete: (vaultIncomplete) => show({ vaultIncomplete }),
      onFull: (storageFull) => show({ storageFull }),
      onRefused: (refusedRecords) => show({ refusedRecords }),
      onUnconfirmed: (unconfirmedRecords) => show({ unconfirmedRecords }),
      onChanged: (shares) => {
        if (closing.signal.aborted) return;
        board.recordsChanged();
        board.gatewaysChanged();
        if (shares) board.sharingChanged();
        opened?.secrets.changed();
      },
    });
    const vault = new UnlockedVault(parts, { session, data, shares, successions, closing });
    opened = vault;
    await vault.organisation.book.open();
    await vault.sharing.recall();
    return vault;
  }

  private constructor(parts: UnlockedParts, { session, data, shares, successions, closing }: OpenedParts) {
    const { environment, board, account } = parts;
    const { warn, clock } = environment;
    const { signal } = closing;
    const { book, writer } = data;
    this.#warn = warn;
    this.#closing = closing;
    this.account = account;
    this.session = session;
    this.data = data;
    const read = async (uid: Uid) => (await book.open(uid)).content;
    const { origin } = environment;
    this.shareLinks = new ShareLinks({ session, keys: account.keys, origin, read, warn });
    this.files = new Files({
      ...{ session, keys: account.keys, clock, signal, warn, board: parts.transfers },
      records: recordAccess(book, writer, data.sync),
    });
    this.gateways = new Gateways({ account, session, book, writer, warn });
    this.devices = new Devices(session);
    this.factors = new SecondFactors(session, account);
    const { accounts, fresh, onWaysChanged } = parts;
    this.organisation = new OrganisationDesk({
      ...{ session, account, warn },
      remember: () => accounts.remember({ account, session: session.current }),
      onChanged: () => this.#upkeep.organisationChanged(),
    });
    const { book: rosters } = this.organisation;
    const { keys } = account;
    const { others, writes, sync } = data;
    const { confirmation } = data;
    this.confirmedMachines = new ConfirmedMachines({ keys, book, writer, confirmation });
    this.keyRotation = new KeyRotation(this);
    this.passkeys = new Passkeys({ session, account, accounts, fresh, onChanged: onWaysChanged });
    this.link = new VaultLink({
      ...{ environment, session, signal },
      onFrame: (frame) => this.#upkeep.receive(frame),
      onState: (link) => this.#upkeep.linkChanged(link),
      onLost: () => this.#failAll(),
    });
    this.iceServers = new IceServersDesk(this.link, clock);
    this.#desk = new CommandDesk(this.link, clock, (withinMs) => this.iceServers.answers(withinMs));
    const { gateways, link } = this;
    const desk = this.#desk;
    this.commands = new GatewayCommands({ account, session, gateways, desk });
    const onEvent = parts.onSessionEvent;
    const { opener } = data;
    const deviceNow = () => session.deviceNow();
    const jumps = new JumpMachines(book, confirmation);
    const known = { account, book, confirmation, jumps, opener, gateways, shares, deviceNow };
    const targets = new SessionTargets(known);
    const { commands } = this;
    const { accountUid } = keys;
    const notices = new AccessNotices({ accountUid, session, book, shares, rosters, targets, commands });
    this.sharing = new SharingDesk({
      ...{ keys, session, shares, rosters, book, writer, others, writes, successions },
      sync: () => sync.run(),
      isComplete: () => data.isComplete,
      ...{ notices, warn },
    });
    this.secrets = new SecretsDesk({
      ...{ origin, accountUid, session, book, writer, shares, rosters, signal, warn },
      ...{ history: data.history, trash: data.trash, sharing: this.sharing },
      files: secretFileWork({ session, keys, clock, signal }),
      sync: () => sync.run(),
      isComplete: () => data.isComplete,
      now: () => session.now(),
      exclusive: environment.exclusive,
      onChanged: () => {
        if (!signal.aborted) board.applicationsChanged();
      },
    });
    this.sessions = new Sessions({
      ...{ account, session, targets, clock },
      sync: () => sync.run(),
      gateways,
      commands: this.commands,
      writer,
      desk,
      detours: new Detours({ origin, transport: environment.transport, clock }),
      link,
      onEvent,
      warn,
    });
    const { pins } = this.sharing.office.parts;
    const titleOf = (uid: Uid) => book.get(uid)?.entry?.title ?? '';
    const shared = { account, session, gateways, commands, sessions: this.sessions, pins, titleOf };
    this.oversight = new OversightDesk({ ...shared, onChanged: () => board.liveSessionsChanged() });
    this.sessionShares = new SessionShares({
      ...{ ...shared, warn },
      onChanged: () => {
        if (!signal.aborted) board.invitationsChanged();
      },
    });
    const emailOf = (uid: Uid) => findMember(rosters.roster, uid)?.email ?? '';
    this.sessionLog = new SessionLog({ session, gateways, titleOf, emailOf });
    const keeping = new KeepingDesk({
      session,
      ownUid: accountUid,
      organisation: this.organisation.book,
      emailOf,
    });
    this.recordings = new Recordings({
      ...{ session, clock, signal, book, gateways, history: data.history, keeping, emailOf },
      keys: account.keys,
      authorKeysOf: (uid) => data.history.authorKeysOf(uid),
    });
    const { organisation, sharing, confirmedMachines, passkeys, files, sessions, iceServers } = this;
    const { sessionShares, oversight, secrets } = this;
    this.#upkeep = new Upkeep({
      ...{
        data,
        sharing,
        organisation,
        confirmedMachines,
        passkeys,
        files,
        sessions,
        iceServers,
        sessionShares,
        oversight,
        secrets,
      },
      ...{ desk, board, signal, warn },
    });
  }

  get sync(): Sync {
    return this.data.sync;
  }

  get book(): RecordBook {
    return this.data.book;
  }

  get records(): Records {
    return this.data.records;
  }

  /** Ends when the vault is locked. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Opens the link, which brings the first sync. */
  goOnline(): void {
    if (this.#online || this.closed) return;
    this.#online = true;
    void this.link.run().catch((error: unknown) => this.#warn(`the link ended: ${String(error)}`));
  }

  /** Lets go of everything: keys, rows, sessions, link. */
  close(): void {
    if (this.closed) return;
    this.#closing.abort();
    this.#failAll();
    this.sessions.clear();
    this.sessionShares.clear();
    this.oversight.live.clear();
    this.recordings.clear();
    this.files.close();
    this.secrets.clear();
    this.data.clear();
    this.organisation.clear();
    wipeAccountKeys(this.account.keys);
  }

  /** What was asked on a link that is gone. */
  #failAll(): void {
    this.#desk.failAll();
    this.iceServers.failAll();
  }
}

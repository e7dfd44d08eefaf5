import type { SessionEvent, VaultState } from '../api.ts';
import { wipe } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { RouterToVaultFrame } from '../../protocol/messages/gen/link_pb.js';
import type { AccountDesk } from './account-desk.ts';
import type { ApiClient } from './api-client.ts';
import { CommandDesk } from './command-desk.ts';
import type { DeviceSession } from './device-session.ts';
import { Devices } from './devices.ts';
import type { Environment } from './environment.ts';
import { Files } from './files/files.ts';
import { recordAccess } from './files/record-access.ts';
import type { TransferBoard } from './files/transfer-board.ts';
import { GatewayCommands } from './gateway-commands.ts';
import { Gateways } from './gateways.ts';
import type { FreshDataKey } from './fresh-data-key.ts';
import type { OpenedAccount } from './opened-account.ts';
import { Passkeys } from './passkeys.ts';
import { SecondFactors } from './second-factors.ts';
import { emptyOldDeletions, RecordBook } from './records/record-book.ts';
import { RecordWriter } from './records/record-writer.ts';
import { Records } from './records/records.ts';
import { Sessions } from './sessions.ts';
import type { StateBoard } from './state.ts';
import { Sync } from './sync.ts';
import { VaultLink } from './vault-link.ts';
import { VaultSession } from './vault-session.ts';

export interface UnlockedParts {
  readonly environment: Environment;
  readonly api: ApiClient;
  readonly board: StateBoard;
  readonly transfers: TransferBoard;
  readonly account: OpenedAccount;
  readonly session: DeviceSession;
  readonly accounts: AccountDesk;
  readonly fresh: FreshDataKey;
  /** The ways to open the copy on this device changed. */
  readonly onWaysChanged: () => Promise<void>;
  readonly onSessionEnded: () => void;
  readonly onSessionEvent: (event: SessionEvent) => void;
}

/** Everything that exists between unlock and lock. Closing it lets go of every key. */
export class UnlockedVault {
  readonly account: OpenedAccount;
  readonly session: VaultSession;
  readonly book: RecordBook;
  readonly sync: Sync;
  readonly link: VaultLink;
  readonly records: Records;
  readonly files: Files;
  readonly gateways: Gateways;
  readonly commands: GatewayCommands;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly factors: SecondFactors;
  readonly passkeys: Passkeys;
  readonly #writer: RecordWriter;
  readonly #desk: CommandDesk;
  readonly #board: StateBoard;
  readonly #warn: (message: string) => void;
  readonly #closing = new AbortController();
  #online = false;

  /** Reads the sealed local copy. */
  static async open(parts: UnlockedParts): Promise<UnlockedVault> {
    const { storage } = parts.environment;
    // The cursor first: rows that another tab commits in between are then read again, never missed.
    const cursor = await storage.readCursor();
    const vault = new UnlockedVault(parts, cursor);
    const rows = await storage.readRows();
    const emptied = emptyOldDeletions(rows, parts.environment.clock.now());
    if (emptied.length > 0) await storage.commit({ rows: emptied, cursor });
    vault.book.apply([...emptied, ...rows]);
    return vault;
  }

  private constructor(parts: UnlockedParts, cursor: bigint) {
    const { environment, api, board, account } = parts;
    const { storage, exclusive, warn, clock } = environment;
    const { signal } = this.#closing;
    this.#board = board;
    this.#warn = warn;
    this.account = account;
    this.session = new VaultSession(api, parts.session, parts.onSessionEnded);
    const onRefused = (refusedRecords: number) => this.#show({ refusedRecords });
    this.book = new RecordBook({ keys: account.keys, now: () => clock.now(), onRefused, warn });
    const { session, book } = this;
    const onSyncing = (syncing: boolean) => this.#show({ syncing });
    const onChanged = () => this.#recordsChanged();
    this.sync = new Sync({ session, storage, book, exclusive, signal, onSyncing, onChanged }, cursor);
    this.#writer = new RecordWriter({ session, keys: account.keys, book, sync: this.sync, warn });
    this.records = new Records(book, this.#writer);
    this.files = new Files({
      ...{ session, keys: account.keys, clock, signal, warn, board: parts.transfers },
      records: recordAccess(book, this.#writer, this.sync),
    });
    this.gateways = new Gateways({ account, session, book, writer: this.#writer, warn });
    this.devices = new Devices(session);
    this.factors = new SecondFactors(session, account);
    const { accounts, fresh, onWaysChanged } = parts;
    this.passkeys = new Passkeys({ session, account, accounts, fresh, onChanged: onWaysChanged });
    this.link = new VaultLink({
      ...{ environment, session, signal },
      onFrame: (frame) => this.#receive(frame),
      onState: (link) => this.#linkChanged(link),
      onLost: () => this.#desk.failAll(),
    });
    this.#desk = new CommandDesk(this.link, clock);
    const { gateways, link } = this;
    const desk = this.#desk;
    this.commands = new GatewayCommands({ account, session, gateways, desk });
    const onEvent = parts.onSessionEvent;
    this.sessions = new Sessions({
      account,
      session,
      book,
      gateways,
      commands: this.commands,
      writer: this.#writer,
      desk,
      link,
      onEvent,
      warn,
    });
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
    this.#desk.failAll();
    this.sessions.clear();
    this.files.close();
    this.book.clear();
    wipe(this.account.keys.ecdh.privateKey, this.account.keys.signingKey);
  }

  /** Syncs, and makes the gateways' copies what the records say when an earlier step was cut off. */
  async #catchUp(): Promise<void> {
    try {
      await this.sync.run();
      await this.#writer.reconcile();
      await this.files.uploads.find();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#warn(`the vault could not catch up: ${error.code}`);
    }
  }

  #receive(frame: RouterToVaultFrame['body']): void {
    switch (frame.case) {
      case 'newData':
        if (frame.value.cursor > this.sync.cursor) void this.#pull();
        return;
      case 'commandResult':
        return this.#desk.settle(frame.value);
      case 'signal':
        return this.sessions.receive(frame.value);
      case 'accountNews':
        return this.#accountChanged();
      case 'gatewayStatus':
        return this.#board.gatewaysChanged();
      default:
        this.#warn('the router sent a frame that this vault does not know');
    }
  }

  async #pull(): Promise<void> {
    try {
      await this.sync.run();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#warn(`the sync failed: ${error.code}`); // the next hint, or the next link, tries again
    }
  }

  #linkChanged(link: 'off' | 'connecting' | 'connected'): void {
    this.#show({ link });
    if (link !== 'connected' || this.closed) return;
    this.#board.gatewaysChanged();
    this.#accountChanged();
    void this.#catchUp();
  }

  /** Devices, factors or passkeys are others: also those that open this device. */
  #accountChanged(): void {
    if (this.closed) return;
    this.#board.accountChanged();
    void this.passkeys.dropRemoved().catch((error: unknown) => {
      this.#warn(`the passkeys of this device could not be compared: ${String(error)}`);
    });
  }

  #recordsChanged(): void {
    if (this.closed) return;
    this.#board.recordsChanged();
    this.#board.gatewaysChanged();
  }

  #show(change: Partial<Pick<VaultState, 'syncing' | 'link' | 'refusedRecords'>>): void {
    if (!this.closed) this.#board.update(change);
  }
}

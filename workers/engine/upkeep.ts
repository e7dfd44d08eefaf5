import { ProtocolError } from '../../protocol/errors.ts';
import { uidOf } from '../../protocol/uid.ts';
import type { RouterToVaultFrame } from '../../protocol/messages/gen/link_pb.js';
import type { Passkeys } from './account/passkeys.ts';
import type { Files } from './files/files.ts';
import type { CommandDesk } from './gateways/command-desk.ts';
import type { ConfirmedMachines } from './key-rotation/confirmed-machines.ts';
import type { OversightDesk } from './oversight/oversight-desk.ts';
import type { OrganisationDesk } from './organisation/organisation-desk.ts';
import type { IceServersDesk } from './sessions/ice-servers-desk.ts';
import type { SessionShares } from './session-shares/session-shares.ts';
import type { SecretsDesk } from './secrets/secrets-desk.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { SharingDesk } from './sharing/sharing-desk.ts';
import type { StateBoard } from './state.ts';
import type { VaultData } from './vault-data.ts';

export interface UpkeepParts {
  readonly data: VaultData;
  readonly sharing: SharingDesk;
  readonly secrets: SecretsDesk;
  readonly organisation: OrganisationDesk;
  readonly confirmedMachines: ConfirmedMachines;
  readonly passkeys: Passkeys;
  readonly files: Files;
  readonly sessions: Sessions;
  readonly sessionShares: SessionShares;
  readonly oversight: OversightDesk;
  readonly desk: CommandDesk;
  readonly iceServers: IceServersDesk;
  readonly board: StateBoard;
  /** Ends when the vault is locked. */
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/** Keeps an open vault up to date: what each frame of the link, each new link and each news of the organisation calls for. */
export class Upkeep {
  readonly #parts: UpkeepParts;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** A frame of the router's: a hint leads to a sync, a result or signal goes to whoever waits for it. */
  receive(frame: RouterToVaultFrame['body']): void {
    const { data, desk, sessions, organisation, board, warn } = this.#parts;
    switch (frame.case) {
      case 'newData':
        // A sync that fails is tried again with the next hint, or the next link.
        if (frame.value.cursor > data.sync.cursor) void this.#attempt('the sync failed', () => this.#pull());
        return;
      case 'commandResult':
        return desk.settle(frame.value);
      case 'iceServersResult':
        return this.#parts.iceServers.settle(frame.value);
      case 'signal':
        return sessions.receive(frame.value);
      case 'accountNews':
        return this.#accountChanged();
      case 'organisationNews':
        return void organisation.catchUp();
      case 'sessionShareNews':
        return this.#parts.sessionShares.refresh();
      case 'liveSessionNews':
        return this.#parts.oversight.live.changed(uidOf(frame.value.gatewayUid));
      case 'secretNews':
        board.applicationsChanged();
        return this.#parts.secrets.look();
      case 'gatewayStatus':
        return board.gatewaysChanged();
      default:
        warn('the router sent a frame that this vault does not know');
    }
  }

  /** Shows the link's state; a new link looks for everything that happened without one. */
  linkChanged(link: 'off' | 'connecting' | 'connected'): void {
    const { signal, board, organisation } = this.#parts;
    if (signal.aborted) return;
    board.update({ link });
    if (link !== 'connected') return;
    board.gatewaysChanged();
    this.#accountChanged();
    void organisation.catchUp();
    this.#parts.sessionShares.refresh();
    this.#parts.oversight.live.changed(null);
    void this.#attempt('the vault could not catch up', () => this.#catchUp());
  }

  /** Another roster or other settings: who left has no access, and what they had gets new keys. */
  organisationChanged(): void {
    const { signal, data, board, organisation, warn } = this.#parts;
    if (signal.aborted) return;
    data.lists.surroundingsChanged();
    board.organisationChanged(organisation.book.membership);
    this.#parts.oversight.live.changed(null);
    void this.#followOrganisation().catch((error: unknown) => {
      warn(`keys of what was given could not be replaced: ${String(error)}`);
    });
  }

  /** Syncs, and makes the gateways' copies what the records say when an earlier step was cut off. */
  async #catchUp(): Promise<void> {
    const { data, files, secrets } = this.#parts;
    await this.#pull();
    secrets.look();
    await data.writer.reconcile();
    await files.uploads.find();
  }

  /** What was taken back is known before what others wrote is adopted. */
  async #pull(): Promise<void> {
    const { data, sharing, confirmedMachines } = this.#parts;
    await data.sync.run();
    await sharing.recall();
    await data.settle();
    if (data.isComplete) await confirmedMachines.confirm();
    await sharing.renewKeys();
    data.keepIndex();
    this.#parts.secrets.changed();
  }

  async #followOrganisation(): Promise<void> {
    const { sharing } = this.#parts;
    await sharing.followSuccessions();
    await sharing.renewKeys();
  }

  /** Devices, factors or passkeys are others: also those that open this device. */
  #accountChanged(): void {
    const { signal, board, passkeys, warn } = this.#parts;
    if (signal.aborted) return;
    board.accountChanged();
    void passkeys.dropRemoved().catch((error: unknown) => {
      warn(`the passkeys of this device could not be compared: ${String(error)}`);
    });
  }

  async #attempt(failure: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#parts.signal.aborted) return; // without keys anything may fail
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`${failure}: ${error.code}`);
    }
  }
}

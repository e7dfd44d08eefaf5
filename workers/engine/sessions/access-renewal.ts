import { ProtocolError } from '../../../protocol/errors.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { Clock } from '../clock.ts';
import type { GatewayCommands } from '../gateways/gateway-commands.ts';
import type { NamedGateway } from '../gateways/gateways.ts';
import type { SessionTargets } from './session-target.ts';

export interface RenewedSession {
  readonly sessionUid: Uid;
  readonly recordUid: Uid;
  readonly gateway: NamedGateway;
}

export interface AccessRenewalParts {
  readonly clock: Clock;
  readonly commands: Pick<GatewayCommands, 'renewAccess'>;
  readonly targets: Pick<SessionTargets, 'standingAccess'>;
  readonly sync: () => Promise<void>;
  readonly warn: (message: string) => void;
}

/** Of the lease: the next word, and the next try after one that failed. Several fit before it ends. */
const after = { success: 0.4, failure: 0.1 };

/**
 * Shows the gateway again and again that the access by which a session on somebody else's machine runs is still there:
 * else the session ends with its lease. What this vault itself knows to be taken back it shows no more. protocol.md §12.8.
 */
export class AccessRenewal {
  readonly #session: RenewedSession;
  readonly #leaseMs: number;
  readonly #parts: AccessRenewalParts;
  #cancel: () => void = () => undefined;
  #stopped = false;

  constructor(session: RenewedSession, leaseMs: number, parts: AccessRenewalParts) {
    this.#session = session;
    this.#leaseMs = leaseMs;
    this.#parts = parts;
    this.#wait(after.success);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #wait(share: number): void {
    if (this.#stopped) return;
    this.#cancel = this.#parts.clock.schedule(this.#leaseMs * share, () => void this.#renew());
  }

  /** Tried until the session is over: a link that is down may come back in time. */
  async #renew(): Promise<void> {
    try {
      await this.#show();
      this.#wait(after.success);
    } catch (error) {
      if (!(error instanceof ProtocolError)) this.#parts.warn(`access was not renewed: ${String(error)}`);
      this.#wait(after.failure);
    }
  }

  /** A grant under a record's new key may not be here yet: then it is fetched, and shown at once. */
  async #show(): Promise<void> {
    try {
      await this.#showOnce();
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'not-allowed') throw error;
      await this.#parts.sync();
      await this.#showOnce();
    }
  }

  async #showOnce(): Promise<void> {
    const { commands, targets } = this.#parts;
    const { sessionUid, recordUid, gateway } = this.#session;
    const standing = await targets.standingAccess(recordUid);
    if (!this.#stopped)
      await commands.renewAccess(gateway, { sessionUid: uidBytes(sessionUid), ...standing });
  }
}

import type { DetourOffer } from '../../api.ts';
import { copy, type Bytes } from '../../../protocol/bytes.ts';
import { generateEphemeralKey } from '../../../protocol/crypto/ecdh.ts';
import { limits } from '../../../protocol/limits.ts';
import { agreeOnDetour, type DetourKey, type DetourScope } from '../../../protocol/session/detour.ts';
import type { LinkChannel } from '../../../protocol/transmission/link-channel.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { Clock } from '../clock.ts';
import type { Transport } from '../environment.ts';
import { DetourBridge } from './detour-bridge.ts';

export interface DetoursParts {
  readonly origin: string;
  readonly transport: Pick<Transport, 'openSocket'>;
  readonly clock: Clock;
}

/** What router and gateway said to a command. */
export interface DetourAnswer {
  /** Of the router; empty: it takes none. */
  readonly ticket: Uint8Array;
  /** Of the gateway, signed and sealed; empty: it takes none. */
  readonly gatewayKey: Uint8Array;
}

interface Prepared {
  readonly ticket: Bytes;
  readonly channel: LinkChannel;
  readonly forget: () => void;
}

/** Prepared and not used; the oldest is forgotten. */
const mostPrepared = 64;

/** Ways through the router for sessions of this vault: their keys, from the answer to a command to the end of each. */
export class Detours {
  readonly #parts: DetoursParts;
  readonly #prepared = new Map<Uid, Prepared>();
  readonly #bridges = new Set<DetourBridge>();

  constructor(parts: DetoursParts) {
    this.#parts = parts;
  }

  /** Keys for one command, whose public half goes with it, sealed. */
  newKey(): Promise<DetourKey> {
    return generateEphemeralKey();
  }

  /** What the page may open for a while. Throws `malformed` for a gateway's key that is none. */
  async prepare(
    scope: DetourScope,
    key: DetourKey,
    { ticket, gatewayKey }: DetourAnswer,
  ): Promise<DetourOffer> {
    if (ticket.length !== limits.detour.ticket) return { refusedBy: 'server' };
    if (gatewayKey.length === 0) return { refusedBy: 'gateway' };
    const channel = await agreeOnDetour('vault', scope, key, gatewayKey);
    const detourUid = newUid();
    const [oldest] = this.#prepared.keys();
    if (this.#prepared.size >= mostPrepared && oldest !== undefined) this.#forget(oldest);
    const forget = this.#parts.clock.schedule(limits.detour.openMs, () => this.#forget(detourUid));
    this.#prepared.set(detourUid, { ticket: copy(ticket), channel, forget });
    return { detourUid };
  }

  open(detourUid: Uid, port: MessagePort): void {
    const prepared = this.#prepared.get(detourUid);
    this.#forget(detourUid);
    if (!prepared) {
      port.postMessage({ kind: 'lost', code: 'not-found', message: 'no such detour' });
      return port.close();
    }
    const { ticket, channel } = prepared;
    const bridge: DetourBridge = new DetourBridge({
      ...{ ...this.#parts, ticket, channel, port },
      onEnd: () => this.#bridges.delete(bridge),
    });
    this.#bridges.add(bridge);
  }

  /** Forgets every key, and ends what runs under one. */
  clear(): void {
    for (const detourUid of [...this.#prepared.keys()]) this.#forget(detourUid);
    for (const bridge of [...this.#bridges]) bridge.close();
  }

  #forget(detourUid: Uid): void {
    this.#prepared.get(detourUid)?.forget();
    this.#prepared.delete(detourUid);
  }
}

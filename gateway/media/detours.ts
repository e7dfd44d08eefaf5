import { encodeHex, type Bytes } from '../../protocol/bytes.ts';
import { generateEphemeralKey } from '../../protocol/crypto/ecdh.ts';
import { limits } from '../../protocol/limits.ts';
import { agreeOnDetour, type DetourScope } from '../../protocol/session/detour.ts';
import type { LinkChannel } from '../../protocol/transmission/link-channel.ts';
import { DetourLink } from './detour-link.ts';
import type { Peer } from './peer.ts';

export interface DetoursOptions {
  readonly url: URL;
  /** What a TLS connection to the server believes. */
  readonly tls: () => { readonly ca?: string[] };
  /** By setting: false takes none. */
  readonly allowed: boolean;
}

/** What the router named and the page offered, for one command. */
export interface DetourOffer {
  readonly ticket: Uint8Array;
  readonly pageKey: Uint8Array;
}

/** A detour that the page may ask for, soon. */
export interface PreparedDetour {
  readonly ticket: Uint8Array;
  readonly channel: LinkChannel;
  readonly attempt: number;
  /** For the sealed reply. */
  readonly publicKey: Bytes;
}

interface Expected extends PreparedDetour {
  readonly peer: Pick<Peer, 'takeDetour'>;
  readonly deadline: NodeJS.Timeout;
}

/** Prepared and not asked for; the oldest is forgotten. Each was a signed command. */
const mostExpected = 512;

/** The detours through the router that pages of this gateway may take. protocol.md §14.10. */
export class Detours {
  readonly #options: DetoursOptions;
  readonly #expected = new Map<string, Expected>();
  #closed = false;

  constructor(options: DetoursOptions) {
    this.#options = options;
  }

  /** With keys for it alone; null where page, router or this gateway takes none. Throws `malformed` for a page's key that is none. */
  async prepare({ ticket, pageKey }: DetourOffer, scope: DetourScope): Promise<PreparedDetour | null> {
    if (!this.#options.allowed || pageKey.length === 0 || ticket.length !== limits.detour.ticket) return null;
    const own = await generateEphemeralKey();
    const channel = await agreeOnDetour('gateway', scope, own, pageKey);
    return { ticket, channel, attempt: scope.attempt, publicKey: own.publicKey };
  }

  /** From now on the page may ask for it, for a while. */
  expect(prepared: PreparedDetour, peer: Pick<Peer, 'takeDetour'>): void {
    if (this.#closed) return;
    const key = encodeHex(prepared.ticket);
    const [oldest] = this.#expected.keys();
    if (this.#expected.size >= mostExpected && oldest !== undefined) this.#forget(oldest);
    this.#forget(key);
    const deadline = setTimeout(() => this.#forget(key), limits.detour.openMs);
    this.#expected.set(key, { ...prepared, peer, deadline });
  }

  /** The router says that the page waits. It can waste a socket that way, once for each that was prepared. */
  wanted(ticket: Uint8Array): void {
    const key = encodeHex(ticket);
    const expected = this.#expected.get(key);
    if (!expected) return;
    this.#forget(key);
    const { peer, attempt, channel } = expected;
    const { url, tls } = this.#options;
    peer.takeDetour(attempt, (hooks) => new DetourLink({ ...hooks, url, tls: tls(), ticket, channel }));
  }

  close(): void {
    this.#closed = true;
    for (const key of [...this.#expected.keys()]) this.#forget(key);
  }

  #forget(key: string): void {
    clearTimeout(this.#expected.get(key)?.deadline);
    this.#expected.delete(key);
  }
}

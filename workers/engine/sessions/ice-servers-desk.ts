import { noIceServers, readIceServers, type IceServers } from '../../../protocol/channel/ice-servers.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { IceServersResult } from '../../../protocol/messages/gen/link_pb.js';
import type { Clock } from '../clock.ts';
import type { VaultLink } from '../connection/vault-link.ts';
import { errorOf } from '../gateways/command-desk.ts';

/** One round trip of a link that is open. */
const answerMs = 10_000;
const mostPending = 64;

/** Asks the server for relays, with credentials that are good for one peer connection. */
export class IceServersDesk {
  readonly #link: VaultLink;
  readonly #clock: Clock;
  readonly #pending = new Map<number, PromiseWithResolvers<IceServers>>();
  #lastId = 0;

  constructor(link: VaultLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  /**
   * What the server names, if it can be relays (protocol.md §13.4). Throws `malformed` or `too-large` when it cannot,
   * `too-many-requests`, `timed-out`, or `offline`.
   */
  async ask(withinMs: number = answerMs): Promise<IceServers> {
    const connection = await this.#link.connection();
    if (this.#pending.size >= mostPending)
      throw new ProtocolError('limit-reached', 'too many requests at once');
    const requestId = ++this.#lastId;
    const pending = Promise.withResolvers<IceServers>();
    this.#pending.set(requestId, pending);
    const cancel = this.#clock.schedule(withinMs, () =>
      pending.reject(new ProtocolError('timed-out', 'the router names no relays')),
    );
    connection.send({ case: 'iceServersRequest', value: { requestId } });
    return await pending.promise.finally(() => {
      cancel();
      this.#pending.delete(requestId);
    });
  }

  /** Whether the router answers at all, be it by a refusal: this needs no gateway. */
  async answers(withinMs: number): Promise<boolean> {
    return await this.ask(withinMs).then(
      () => true,
      (error: unknown) => !(error instanceof ProtocolError && error.code === 'timed-out'),
    );
  }

  settle({ requestId, outcome }: IceServersResult): void {
    const pending = this.#pending.get(requestId);
    if (!pending) return; // it timed out
    try {
      if (outcome.case === 'failure') throw errorOf(outcome.value.code, outcome.value.message);
      pending.resolve(outcome.case === undefined ? noIceServers : readIceServers(outcome.value));
    } catch (error) {
      pending.reject(error);
    }
  }

  /** The link broke: what was asked on it will not be answered. */
  failAll(): void {
    for (const pending of this.#pending.values())
      pending.reject(new ProtocolError('offline', 'the link to the router broke'));
  }
}

import { PeerConnection, type DataChannel, type LocalDescriptionInit } from 'node-datachannel';
import { channelLabels, type Carrier } from '../../protocol/channel/carrier.ts';
import { Multiplexer, type Stream } from '../../protocol/channel/multiplexer.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { DetourLink } from '../../web/session/way/detour-link.ts';
import type { VaultVerbs } from '../../workers/api.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';

export interface PageOptions {
  readonly labels?: Readonly<Record<keyof typeof channelLabels, string>>;
  /** ICE credentials of somebody else. */
  readonly init?: LocalDescriptionInit;
  /** How this page reaches a candidate of the gateway's, null: not at all. */
  readonly reach?: (candidate: string) => string | null;
}

/** As the browser's page gives itself. */
const farewellMs = 1_000;

interface Lanes {
  readonly bulk: DataChannel;
  readonly prompt: DataChannel;
}

/** One real peer connection of a page, in this process. */
class PageLink {
  readonly connection: PeerConnection;
  readonly opened: Promise<Lanes>;
  readonly #channels: Lanes;
  readonly #closed = Promise.withResolvers<void>();
  readonly #offer: Promise<string>;
  readonly #reach: (candidate: string) => string | null;

  constructor(
    { labels = channelLabels, init, reach = (candidate) => candidate }: PageOptions,
    hooks: { readonly onOpen: (channels: Lanes) => void; readonly onClosed: () => void },
  ) {
    this.#reach = reach;
    const disableAutoNegotiation = init !== undefined;
    const config = { iceServers: [], bindAddress: '127.0.0.1', disableAutoNegotiation };
    this.connection = new PeerConnection('page', config);
    const gathered = Promise.withResolvers<string>();
    this.#offer = gathered.promise;
    this.connection.onGatheringStateChange((state) => {
      const sdp = this.connection.localDescription()?.sdp;
      if (state === 'complete' && sdp !== undefined) gathered.resolve(withoutCandidates(sdp));
    });
    const create = (label: string) => this.connection.createDataChannel(label, { unordered: true });
    this.#channels = { bulk: create(labels.bulk), prompt: create(labels.prompt) };
    if (init) this.connection.setLocalDescription('offer', init);
    const channels = Object.values(this.#channels) as DataChannel[];
    let open = 0;
    this.opened = new Promise((resolve) => {
      for (const channel of channels)
        channel.onOpen(() => {
          if (++open < channels.length) return;
          hooks.onOpen(this.#channels);
          resolve(this.#channels);
        });
    });
    for (const channel of channels)
      channel.onClosed(() => {
        this.#closed.resolve();
        hooks.onClosed();
      });
  }

  /** Waits for the gateway to close: the library throws away what was sent just before an end of its own. */
  leave(): void {
    if (!this.#channels.prompt.isOpen()) return this.connection.close();
    const late = setTimeout(() => this.#closed.resolve(), farewellMs);
    void this.#closed.promise.then(() => {
      clearTimeout(late);
      this.connection.close();
    });
  }

  offer(): Promise<string> {
    return this.#offer;
  }

  /**
   * A browser takes an answer whole. libdatachannel as the offering side may finish DTLS while it is still taking the
   * answer in, and then knows no fingerprint yet: so the gateway is not told where to knock, and the candidates of
   * the answer come last.
   */
  accept(answer: string): void {
    this.connection.setRemoteDescription(withoutCandidates(answer), 'answer');
    for (const [candidate] of answer.matchAll(/^a=candidate:.*$/gm)) this.addCandidate(candidate.trim());
  }

  addCandidate(candidate: string): void {
    const reached = this.#reach(candidate);
    if (reached !== null) this.connection.addRemoteCandidate(reached, '0');
  }
}

/** The page's half of the media path: real peer connections, one after another, with the multiplexer on them. */
export class FakePage {
  readonly peerUid: Uid = newUid();
  /** Settles when the first data channel is open. */
  readonly opened: Promise<void>;
  /** Settles when the page has no gateway any more, with a code; of a page that comes back, when it will not. */
  readonly lost: Promise<string>;
  readonly #lost = Promise.withResolvers<string>();
  readonly #comesBack: boolean;
  #link: PageLink;
  #way: PageLink | DetourLink | null = null; // that carries
  #former: PageLink | DetourLink | null = null; // until the gateway speaks on the one that does
  #multiplexer: Multiplexer | null = null;
  #back = Promise.withResolvers<void>();
  attempts = 0;
  /** Its way to the gateway is gone, of a page that comes back. */
  onAway: () => void = () => {};
  /** Says nothing more, on a connection that stays. */
  mute = false;

  /** `comesBack`: it outlives its connection, and waits for {@link reopen}. */
  constructor({ comesBack = false, ...link }: PageOptions & { readonly comesBack?: boolean } = {}) {
    this.#comesBack = comesBack;
    this.lost = this.#lost.promise;
    this.#link = this.#newLink(link, (channels) => {
      this.#way = this.#link;
      this.#start(this.#carrierOf(channels));
    });
    this.opened = this.#link.opened.then(() => {});
  }

  get connection(): PeerConnection {
    return this.#link.connection;
  }

  offer(): Promise<string> {
    return this.#link.offer();
  }

  accept(answer: string): void {
    this.#link.accept(answer);
  }

  addCandidate(candidate: string): void {
    this.#link.addCandidate(candidate);
  }

  get streams(): Multiplexer {
    if (this.#multiplexer === null) throw new Error('the channel is not open');
    return this.#multiplexer;
  }

  openStream(streamToken: Uint8Array): Stream {
    return this.streams.openStream({ streamToken });
  }

  /** The transport is gone, without a word. */
  drop(): void {
    this.#link.connection.close();
    this.#leaveDetour();
    this.#multiplexer?.away(new ProtocolError('unavailable', 'cut by the test'));
  }

  /** A new connection, by what the gateway answers to its offer. Settles when both ends go on. */
  async reopen(order: (offer: string, attempt: number) => Promise<string>): Promise<void> {
    const back = (this.#back = Promise.withResolvers());
    const link = this.#newLink({}, (channels) => {
      if (this.#link !== link) return;
      this.#former = this.#way;
      this.#way = link;
      this.#multiplexer?.resume(this.#carrierOf(channels));
    });
    this.#link = link;
    link.accept(await order(await link.offer(), ++this.attempts));
    await back.promise;
  }

  /** Goes on, or begins, by way of the router. Settles when both ends do. */
  async detour(verbs: Pick<VaultVerbs, 'openDetour'>, detourUid: Uid): Promise<void> {
    const back = (this.#back = Promise.withResolvers());
    const link: DetourLink = new DetourLink(verbs, detourUid, {
      onMessage: (message) => this.#way === link && this.#multiplexer?.receive(message),
      onRoom: () => this.#way === link && this.#multiplexer?.writable(),
      onLost: () => {
        if (this.#way === link) this.#multiplexer?.away(new ProtocolError('unavailable', 'detour'));
      },
    });
    const carrier = await link.opened;
    this.#leaveDetour();
    this.#way = link;
    if (this.#multiplexer) {
      this.#multiplexer.resume(carrier);
      await back.promise;
    } else this.#start(carrier);
  }

  /** The detour is gone, without a word of the page's. */
  #leaveDetour(): void {
    if (this.#way instanceof DetourLink) this.#way.close();
  }

  /** Leaves for good, and says so. */
  close(): void {
    this.#multiplexer?.close();
    this.#leaveDetour();
    this.#link.leave();
  }

  #newLink(options: PageOptions, onOpen: (channels: Lanes) => void): PageLink {
    const link: PageLink = new PageLink(options, {
      onOpen: (channels) => {
        for (const channel of Object.values(channels) as DataChannel[]) this.#listen(link, channel);
        onOpen(channels);
      },
      onClosed: () => {
        if (this.#way !== link) return;
        if (this.#comesBack) this.#multiplexer?.away(new ProtocolError('unavailable', 'closed'));
        else this.#lost.resolve('closed');
      },
    });
    return link;
  }

  #listen(link: PageLink, channel: DataChannel): void {
    channel.setBufferedAmountLowThreshold(limits.channelLowWater);
    channel.onBufferedAmountLow(() => this.#way === link && this.#multiplexer?.writable());
    channel.onMessage((message) => {
      if (typeof message === 'string' || this.#way !== link) return;
      if (this.#former instanceof DetourLink) this.#former.close();
      this.#former = null;
      this.#multiplexer?.receive(new Uint8Array(message));
    });
  }

  #carrierOf(lanes: Lanes): Carrier {
    return {
      send: (message, lane) => void (this.mute || lanes[lane].sendMessageBinary(message)),
      bufferedAmount: () => lanes.bulk.bufferedAmount() + lanes.prompt.bufferedAmount(),
    };
  }

  #start(carrier: Carrier): void {
    this.#multiplexer = new Multiplexer({
      ...{ role: 'opener', carrier },
      now: () => performance.now(),
      schedule: (run, ms) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      ...(this.#comesBack && { onAway: () => this.onAway(), onBack: () => this.#back.resolve() }),
      onLost: (error) => this.#lost.resolve(error.code),
    });
  }
}

function withoutCandidates(sdp: string): string {
  return sdp.replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, '');
}

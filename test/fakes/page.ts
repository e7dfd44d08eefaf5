import { PeerConnection, type DataChannel, type LocalDescriptionInit } from 'node-datachannel';
import { Multiplexer, type Stream } from '../../protocol/channel/multiplexer.ts';
import type { Bytes } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';

export interface PageOptions {
  readonly label?: string;
  readonly init?: LocalDescriptionInit;
  /** How this page reaches a candidate of the gateway's, null: not at all. */
  readonly reach?: (candidate: string) => string | null;
}

/** The page's half of the media path: a real peer connection in this process, with the multiplexer on it. */
export class FakePage {
  readonly peerUid: Uid = newUid();
  readonly connection: PeerConnection;
  /** Settles when the data channel is open. */
  readonly opened: Promise<void>;
  /** Settles when the channel or its peer is gone, with a code. */
  readonly lost: Promise<string>;
  readonly #offer: Promise<string>;
  readonly #reach: (candidate: string) => string | null;
  readonly #lost = Promise.withResolvers<string>();
  #multiplexer: Multiplexer | null = null;

  /** `init`: ICE credentials of somebody else. */
  constructor({ label = 'sallyport', init, reach = (candidate) => candidate }: PageOptions = {}) {
    this.#reach = reach;
    const disableAutoNegotiation = init !== undefined;
    const config = { iceServers: [], bindAddress: '127.0.0.1', disableAutoNegotiation };
    this.connection = new PeerConnection('page', config);
    const gathered = Promise.withResolvers<string>();
    this.#offer = gathered.promise;
    this.lost = this.#lost.promise;
    this.connection.onGatheringStateChange((state) => {
      const sdp = this.connection.localDescription()?.sdp;
      if (state === 'complete' && sdp !== undefined) gathered.resolve(withoutCandidates(sdp));
    });
    const channel = this.connection.createDataChannel(label);
    if (init) this.connection.setLocalDescription('offer', init);
    this.opened = new Promise((resolve) => {
      channel.onOpen(() => {
        this.#start(channel);
        resolve();
      });
    });
    channel.onClosed(() => this.#lost.resolve('closed'));
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

  get streams(): Multiplexer {
    if (this.#multiplexer === null) throw new Error('the channel is not open');
    return this.#multiplexer;
  }

  openStream(streamToken: Uint8Array): Stream {
    return this.streams.openStream({ streamToken });
  }

  close(): void {
    this.#multiplexer?.close();
    this.connection.close();
  }

  #start(channel: DataChannel): void {
    this.#multiplexer = new Multiplexer({
      role: 'opener',
      send: (message: Bytes) => void channel.sendMessageBinary(message),
      bufferedAmount: () => channel.bufferedAmount(),
      now: () => performance.now(),
      schedule: (run, ms) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      onLost: (error) => this.#lost.resolve(error.code),
    });
    const streams = this.#multiplexer;
    channel.setBufferedAmountLowThreshold(limits.channelLowWater);
    channel.onBufferedAmountLow(() => streams.writable());
    channel.onMessage((message) => {
      if (typeof message !== 'string') streams.receive(new Uint8Array(message));
    });
  }
}

function withoutCandidates(sdp: string): string {
  return sdp.replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, '');
}

import { PeerConnection, type DataChannel } from 'node-datachannel';
import type { IceServers } from '../../protocol/channel/ice-servers.ts';
import { Multiplexer, type Stream } from '../../protocol/channel/multiplexer.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { StreamOpen } from '../../protocol/messages/gen/session_pb.js';
import type { Uid } from '../../protocol/uid.ts';
import type { MediaSettings } from '../settings.ts';
import { maxMessageSize } from './library.ts';
import type { Offer } from './offer.ts';
import { usableServers } from './relays.ts';

export interface PeerOptions {
  readonly uid: Uid;
  /** Sessions of no other account may ride on this connection. */
  readonly accountUid: Uid;
  readonly offer: Offer;
  readonly media: MediaSettings;
  readonly iceServers: IceServers;
  readonly onStream: (peer: Peer, stream: Stream, open: StreamOpen) => void;
  /** A candidate that was found after the answer was given. */
  readonly onCandidate: (candidate: string, mid: string) => void;
  /** How long the page has to bring the channel up. */
  readonly openMs?: number;
}

const channelLabel = 'sallyport';

/** Local candidates take a millisecond; what is not there by then follows on its own. */
const gatherMs = 100;
const defaultOpenMs = 30_000;

/** One peer connection to one page: DTLS under the offered fingerprint, and one data channel with many streams. */
export class Peer {
  readonly uid: Uid;
  readonly accountUid: Uid;
  /** Settles when the connection is gone, with the reason; `cancelled` when it was closed here. */
  readonly ended: Promise<ProtocolError>;
  readonly #options: PeerOptions;
  readonly #connection: PeerConnection;
  readonly #openDeadline: NodeJS.Timeout;
  #multiplexer: Multiplexer | null = null;
  #channel: DataChannel | null = null;
  #answered = false;
  #over = false;
  #finish: (reason: ProtocolError) => void = () => {};

  private constructor(options: PeerOptions) {
    this.uid = options.uid;
    this.accountUid = options.accountUid;
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    this.#connection = new PeerConnection(options.uid, rtcConfig(options));
    const late = () => this.#end(new ProtocolError('timed-out', 'the page opened no channel'));
    this.#openDeadline = setTimeout(late, options.openMs ?? defaultOpenMs);
    this.#listen();
  }

  /** Takes the offer and gives the answer with its candidates. Throws `malformed` for an offer nobody can take. */
  static async answer(options: PeerOptions): Promise<{ readonly peer: Peer; readonly answer: string }> {
    const peer = new Peer(options);
    try {
      return { peer, answer: await peer.#answer() };
    } catch {
      // The library quotes the SDP in its messages.
      peer.close();
      throw new ProtocolError('malformed', 'the offer cannot be taken');
    }
  }

  /** Whether the channel is up. */
  get connected(): boolean {
    return this.#multiplexer !== null && !this.#over;
  }

  /** Round trip to the page, or null. */
  get roundTripMs(): number | null {
    return this.#multiplexer?.roundTripMs ?? null;
  }

  /** A candidate of the page. One that the library cannot read is the page's loss. */
  addCandidate(candidate: string, mid: string): void {
    if (this.#over || candidate === '') return;
    try {
      this.#connection.addRemoteCandidate(candidate, mid);
    } catch {
      // Nothing to do: ICE goes on with the others.
    }
  }

  close(): void {
    this.#end(new ProtocolError('cancelled', 'the gateway closed the peer connection'));
  }

  #listen(): void {
    const connection = this.#connection;
    connection.onLocalCandidate((candidate, mid) => {
      if (this.#answered && !this.#over) this.#options.onCandidate(candidate, mid);
    });
    connection.onStateChange((state) => this.#stateChanged(state));
    connection.onDataChannel((channel) => this.#accept(channel));
  }

  async #answer(): Promise<string> {
    const connection = this.#connection;
    const gathered = Promise.withResolvers<void>();
    connection.onGatheringStateChange((state) => state === 'complete' && gathered.resolve());
    const deadline = setTimeout(gathered.resolve, gatherMs);
    connection.setRemoteDescription(this.#options.offer.sdp, 'offer');
    await gathered.promise;
    clearTimeout(deadline);
    const description = connection.localDescription();
    if (description?.type !== 'answer') throw new ProtocolError('malformed', 'no answer');
    this.#answered = true;
    return description.sdp;
  }

  #stateChanged(state: string): void {
    if (this.#over) return;
    if (state === 'connected') this.#requireFingerprint();
    // `disconnected` may pass; the heartbeat decides how long that takes.
    if (state === 'failed' || state === 'closed')
      this.#end(new ProtocolError('unavailable', `the peer connection is ${state}`));
  }

  /** libdatachannel has checked this already (media.md); a second look costs nothing and trusts one party less. */
  #requireFingerprint(): boolean {
    const { value, algorithm } = this.#connection.remoteFingerprint();
    const fits = algorithm === 'sha-256' && value.toUpperCase() === this.#options.offer.fingerprint;
    if (!fits)
      this.#end(new ProtocolError('untrusted', 'the peer shows another certificate than was sealed'));
    return fits;
  }

  #accept(channel: DataChannel): void {
    if (this.#over || this.#channel !== null || channel.getLabel() !== channelLabel) return channel.close();
    this.#channel = channel;
    channel.onMessage((message) => this.#receive(message));
    channel.onClosed(() => this.#end(new ProtocolError('unavailable', 'the page closed the channel')));
    channel.onError(() => this.#end(new ProtocolError('unavailable', 'the channel failed')));
    if (channel.isOpen()) this.#opened(channel);
    else channel.onOpen(() => this.#opened(channel));
  }

  #opened(channel: DataChannel): void {
    if (this.#over || this.#multiplexer !== null || !this.#requireFingerprint()) return;
    clearTimeout(this.#openDeadline);
    const multiplexer = new Multiplexer({
      role: 'acceptor',
      send: (message) => void channel.sendMessageBinary(message), // false: queued, not lost
      bufferedAmount: () => channel.bufferedAmount(),
      now: () => performance.now(),
      schedule: (run, ms) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      onStream: (stream, open) => this.#options.onStream(this, stream, open),
      onLost: (error) => this.#end(error),
    });
    this.#multiplexer = multiplexer;
    channel.setBufferedAmountLowThreshold(limits.channelLowWater);
    channel.onBufferedAmountLow(() => multiplexer.writable());
  }

  #receive(message: string | Buffer | ArrayBuffer): void {
    if (this.#over) return;
    if (typeof message === 'string') return this.#end(new ProtocolError('malformed', 'the page sent text'));
    if (this.#channel && this.#multiplexer === null) this.#opened(this.#channel); // the open event may come late
    this.#multiplexer?.receive(message instanceof ArrayBuffer ? new Uint8Array(message) : message);
  }

  #end(reason: ProtocolError): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#openDeadline);
    this.#multiplexer?.close();
    this.#channel?.close();
    this.#connection.close();
    this.#finish(reason);
  }
}

function rtcConfig({ media: { bindAddress, port }, iceServers }: PeerOptions) {
  return {
    // The library gets no relay on a port that all peer connections share: there the page's relay has to do.
    iceServers: port === null ? usableServers(iceServers) : [],
    maxMessageSize,
    ...(bindAddress !== null && { bindAddress }),
    // One port for all is what an administrator can open (media.md).
    ...(port !== null && { enableIceUdpMux: true, portRangeBegin: port, portRangeEnd: port }),
  };
}

import { PeerConnection, type DataChannel } from 'node-datachannel';
import type { IceServers } from '../../protocol/channel/ice-servers.ts';
import { channelLabels, type Carrier, type Lane } from '../../protocol/channel/carrier.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { MediaSettings } from '../settings.ts';
import { saysAddress, withoutNames } from './candidates.ts';
import { maxMessageSize } from './library.ts';
import type { Offer } from './offer.ts';
import { usableServers } from './relays.ts';

export interface PeerLinkOptions {
  /** Of the peer whose link it is: for the library's own names. */
  readonly uid: Uid;
  readonly offer: Offer;
  readonly media: Pick<MediaSettings, 'bindAddress' | 'port'>;
  readonly iceServers: IceServers;
  /** A candidate that was found after the answer was given. */
  readonly onCandidate: (candidate: string, mid: string) => void;
  /** The channel is up, to the one whose fingerprint was sealed. Messages may come from here on. */
  readonly onOpen: (carrier: Carrier) => void;
  readonly onMessage: (message: Uint8Array) => void;
  readonly onRoom: () => void;
  /** Called once, unless it was closed here. `untrusted`, `malformed`: for good; else the way is gone. */
  readonly onLost: (reason: ProtocolError) => void;
  /** How long the page has to bring the channel up. */
  readonly openMs?: number;
}

/** Local candidates take a millisecond; what is not there by then follows on its own. */
const gatherMs = 100;
/** Messages of a page that has begun to speak. */
const mostEarly = 64;
const defaultOpenMs = 30_000;

/** One way to one page: a peer connection with DTLS under the offered fingerprint, and its data channels. */
export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #connection: PeerConnection;
  readonly #openDeadline: NodeJS.Timeout;
  readonly #channels = new Map<Lane, DataChannel>();
  #early: Uint8Array[] = []; // that came before all channels were known
  #answered = false;
  #open = false;
  #over = false;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#connection = new PeerConnection(options.uid, rtcConfig(options));
    const late = () => this.#lose(new ProtocolError('timed-out', 'the page opened no channel'));
    this.#openDeadline = setTimeout(late, options.openMs ?? defaultOpenMs);
    this.#listen();
  }

  /** The answer with its candidates. Throws `malformed` for an offer nobody can take; it is closed then. */
  async answer(): Promise<string> {
    try {
      return await this.#answer();
    } catch {
      // The library quotes the SDP in its messages.
      this.close();
      throw new ProtocolError('malformed', 'the offer cannot be taken');
    }
  }

  /** A candidate of the page. One that is a name, or that the library cannot read, is the page's loss. */
  addCandidate(candidate: string, mid: string): void {
    if (this.#over || !saysAddress(candidate)) return;
    try {
      this.#connection.addRemoteCandidate(candidate, mid);
    } catch {
      // Nothing to do: ICE goes on with the others.
    }
  }

  /** What was sent is still delivered, if the page is there. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#openDeadline);
    for (const channel of this.#channels.values()) channel.close();
    this.#connection.close();
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
    connection.setRemoteDescription(withoutNames(this.#options.offer.sdp), 'offer');
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
      this.#lose(new ProtocolError('unavailable', `the peer connection is ${state}`));
  }

  /** libdatachannel has checked this already (media.md); a second look costs nothing and trusts one party less. */
  #requireFingerprint(): boolean {
    const { value, algorithm } = this.#connection.remoteFingerprint();
    const fits = algorithm === 'sha-256' && value.toUpperCase() === this.#options.offer.fingerprint;
    if (!fits)
      this.#lose(new ProtocolError('untrusted', 'the peer shows another certificate than was sealed'));
    return fits;
  }

  #accept(channel: DataChannel): void {
    const lane = laneOf(channel.getLabel());
    if (this.#over || lane === null || this.#channels.has(lane)) return channel.close();
    this.#channels.set(lane, channel);
    channel.onMessage((message) => this.#receive(message));
    channel.onClosed(() => this.#lose(new ProtocolError('unavailable', 'the page closed a channel')));
    channel.onError(() => this.#lose(new ProtocolError('unavailable', 'a channel failed')));
    channel.onOpen(() => this.#opened());
    this.#opened();
  }

  /** Once the page's channels are open. */
  #opened(): void {
    const [bulk, prompt] = [this.#channels.get('bulk'), this.#channels.get('prompt')];
    if (this.#over || this.#open || !bulk?.isOpen() || !prompt?.isOpen()) return;
    if (!this.#requireFingerprint()) return;
    this.#open = true;
    clearTimeout(this.#openDeadline);
    for (const channel of [bulk, prompt]) {
      channel.setBufferedAmountLowThreshold(limits.channelLowWater);
      channel.onBufferedAmountLow(() => this.#over || this.#options.onRoom());
    }
    const lanes = { bulk, prompt };
    this.#options.onOpen({
      send: (message, lane) => {
        if (this.#over) throw new ProtocolError('unavailable', 'the channel is closed');
        void lanes[lane].sendMessageBinary(message); // false: queued, not lost
      },
      bufferedAmount: () => (this.#over ? 0 : bulk.bufferedAmount() + prompt.bufferedAmount()),
    });
    for (const message of this.#early.splice(0)) this.#options.onMessage(message);
  }

  #receive(message: string | Buffer | ArrayBuffer): void {
    if (this.#over) return;
    if (typeof message === 'string') return this.#lose(new ProtocolError('malformed', 'the page sent text'));
    const bytes = message instanceof ArrayBuffer ? new Uint8Array(message) : message;
    this.#opened(); // the open event may come late
    if (this.#open) return this.#options.onMessage(bytes);
    // The library tells of one channel's messages and of another channel's coming in either order.
    this.#early.push(bytes);
    if (this.#early.length > mostEarly)
      this.#lose(new ProtocolError('malformed', 'messages without the other channel'));
  }

  #lose(reason: ProtocolError): void {
    if (this.#over) return;
    this.close();
    this.#options.onLost(reason);
  }
}

function rtcConfig({ media: { bindAddress, port }, iceServers }: PeerLinkOptions) {
  return {
    // The library gets no relay on a port that all peer connections share: there the page's relay has to do.
    iceServers: port === null ? usableServers(iceServers) : [],
    maxMessageSize,
    ...(bindAddress !== null && { bindAddress }),
    // One port for all is what an administrator can open (media.md).
    ...(port !== null && { enableIceUdpMux: true, portRangeBegin: port, portRangeEnd: port }),
  };
}

function laneOf(label: string): Lane | null {
  if (label === channelLabels.bulk) return 'bulk';
  return label === channelLabels.prompt ? 'prompt' : null;
}

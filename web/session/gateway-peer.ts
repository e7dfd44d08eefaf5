import { Multiplexer } from '../../protocol/channel/multiplexer.ts';
import { ProtocolError, toProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { newUid } from '../../protocol/uid.ts';

export interface Candidate {
  readonly candidate: string;
  readonly mid: string;
}

const openWithinMs = 20_000;
const mostCandidates = 64;

/** One peer connection to a gateway with its one data channel, which carries the streams of all sessions on it. */
export class GatewayPeer {
  readonly uid = newUid();
  /** Settles when the channel is open; rejects with `unavailable` when there is no path, or with what is wrong with the relays. */
  readonly opened: Promise<Multiplexer>;
  readonly #connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  readonly #iceServers: Promise<readonly RTCIceServer[]>;
  readonly #channel: RTCDataChannel;
  readonly #onGone: (peer: GatewayPeer) => void;
  #multiplexer: Multiplexer | null = null;
  #sendCandidate: ((candidate: Candidate) => void) | null = null;
  #candidates: Candidate[] = [];
  #reject: (error: ProtocolError) => void = () => {};
  #gone = false;
  readonly #accepted = Promise.withResolvers<void>();
  #gathering: Promise<void> = Promise.resolve();

  /** `iceServers` may still be under way: the offer does not wait for them, only the search for paths does. */
  constructor(onGone: (peer: GatewayPeer) => void, iceServers: Promise<readonly RTCIceServer[]>) {
    this.#onGone = onGone;
    this.#iceServers = iceServers;
    this.#channel = this.#connection.createDataChannel('sallyport', { ordered: true });
    this.#channel.binaryType = 'arraybuffer';
    this.#connection.addEventListener('icecandidate', (event) => this.#found(event.candidate));
    this.#connection.addEventListener('connectionstatechange', () => {
      if (['failed', 'closed'].includes(this.#connection.connectionState)) this.close();
    });
    this.#channel.addEventListener('close', () => this.close());
    this.opened = this.#open();
    // Whoever waits for it hears of it; when nobody does any more, it is no fault of the page.
    this.opened.catch(() => {});
  }

  get gone(): boolean {
    return this.#gone;
  }

  get multiplexer(): Multiplexer | null {
    return this.#multiplexer;
  }

  /** The offer, without waiting for candidates: they follow one by one. */
  async offer(): Promise<string> {
    const offer = await this.#connection.createOffer();
    this.#gathering = this.#gather(offer);
    this.#gathering.catch((error: unknown) => this.#fail(toProtocolError(error) ?? noPath()));
    return offer.sdp ?? '';
  }

  async accept(answer: string): Promise<void> {
    await this.#gathering.catch(() => {}); // `opened` says why
    if (this.#gone) return;
    await this.#connection.setRemoteDescription({ type: 'answer', sdp: answer });
    this.#accepted.resolve();
  }

  /** From now on own candidates go there, those that waited first. */
  trickle(send: (candidate: Candidate) => void): void {
    this.#sendCandidate = send;
    for (const candidate of this.#candidates.splice(0)) send(candidate);
  }

  /** A candidate that cannot be used is no failure: others may do. */
  async addCandidate({ candidate, mid }: Candidate): Promise<void> {
    await this.#accepted.promise; // there is nobody that it could be of before
    if (this.#gone) return;
    await this.#connection.addIceCandidate({ candidate, sdpMid: mid }).catch(() => {});
  }

  close(): void {
    this.#fail(noPath());
  }

  /** With the local description the search begins, so the servers have to be known by then. */
  async #gather(offer: RTCSessionDescriptionInit): Promise<void> {
    const iceServers = [...(await this.#iceServers)];
    if (this.#gone) throw noPath();
    this.#connection.setConfiguration({ ...this.#connection.getConfiguration(), iceServers });
    await this.#connection.setLocalDescription(offer);
  }

  #fail(error: ProtocolError): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#reject(error);
    this.#accepted.resolve();
    this.#multiplexer?.close();
    this.#channel.close();
    this.#connection.close();
    this.#onGone(this);
  }

  #open(): Promise<Multiplexer> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => this.close(), openWithinMs);
      this.#reject = (error) => {
        clearTimeout(deadline);
        reject(error);
      };
      this.#channel.addEventListener('open', () => {
        clearTimeout(deadline);
        resolve(this.#multiplex());
      });
    });
  }

  #multiplex(): Multiplexer {
    const channel = this.#channel;
    const multiplexer = new Multiplexer({
      role: 'opener',
      send: (message) => channel.send(message),
      bufferedAmount: () => channel.bufferedAmount,
      now: () => performance.now(),
      schedule: (run, ms) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      onLost: () => this.close(),
    });
    channel.bufferedAmountLowThreshold = limits.channelLowWater;
    channel.addEventListener('bufferedamountlow', () => multiplexer.writable());
    channel.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer) multiplexer.receive(new Uint8Array(data));
    });
    this.#multiplexer = multiplexer;
    return multiplexer;
  }

  #found(found: RTCIceCandidate | null): void {
    if (found === null || found.candidate === '') return;
    const candidate = { candidate: found.candidate, mid: found.sdpMid ?? '0' };
    if (this.#sendCandidate !== null) this.#sendCandidate(candidate);
    else if (this.#candidates.length < mostCandidates) this.#candidates.push(candidate);
  }
}

function noPath(): ProtocolError {
  return new ProtocolError('unavailable', 'no path to the gateway');
}

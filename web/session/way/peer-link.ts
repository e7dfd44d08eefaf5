import type { Carrier } from '../../../protocol/channel/carrier.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import { DataChannels } from './data-channels.ts';

export interface Candidate {
  readonly candidate: string;
  readonly mid: string;
}

export interface PeerLinkHooks {
  readonly onMessage: (message: Uint8Array) => void;
  readonly onRoom: () => void;
  /** It is gone, unless it was closed here. */
  readonly onLost: () => void;
}

const mostCandidates = 64;
/** An offer that waits for its own candidates waits so long. */
const gatherMs = 150;

/** One way to a gateway: a peer connection with its data channels. */
export class PeerLink {
  /** Settles when the channels are open; rejects with `unavailable` when there is no path in time, or with what is wrong with the relays. */
  readonly opened: Promise<Carrier>;
  readonly #connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  readonly #iceServers: Promise<readonly RTCIceServer[]>;
  readonly #accepted = Promise.withResolvers<void>();
  readonly #channels: DataChannels;
  readonly #hooks: PeerLinkHooks;
  readonly #opening = Promise.withResolvers<Carrier>();
  readonly #deadline: ReturnType<typeof setTimeout>;
  #sendCandidate: ((candidate: Candidate) => void) | null = null;
  #candidates: Candidate[] = [];
  #gathering: Promise<void> = Promise.resolve();
  #gone = false;

  /** `iceServers` may still be under way: the offer does not wait for them, only the search for paths does. */
  constructor(openWithinMs: number, iceServers: Promise<readonly RTCIceServer[]>, hooks: PeerLinkHooks) {
    this.#hooks = hooks;
    this.#iceServers = iceServers;
    iceServers.catch(() => {}); // told by the search, which may begin after they were refused
    this.#channels = new DataChannels(this.#connection, {
      onOpen: (carrier) => this.#open(carrier),
      onMessage: hooks.onMessage,
      onRoom: hooks.onRoom,
      onClosed: () => this.#lose(),
    });
    this.#connection.addEventListener('icecandidate', (event) => this.#found(event.candidate));
    this.#connection.addEventListener('connectionstatechange', () => {
      if (['failed', 'closed'].includes(this.#connection.connectionState)) this.#lose();
    });
    this.#deadline = setTimeout(() => this.#lose(), openWithinMs);
    this.opened = this.#opening.promise;
    // Whoever waits for it hears of it; when nobody does any more, it is no fault of the page.
    this.opened.catch(() => {});
  }

  /** The offer, without waiting for candidates: they follow one by one. */
  async offer(): Promise<string> {
    const offer = await this.#connection.createOffer();
    this.#gathering = this.#gather(offer);
    this.#gathering.catch((error: unknown) => this.#lose(toProtocolError(error) ?? noPath()));
    return offer.sdp ?? '';
  }

  /** The offer with the candidates that are found at once: each that follows costs the session a signal. */
  async wholeOffer(): Promise<string> {
    const gathered = new Promise<void>((resolve) => {
      this.#connection.addEventListener('icegatheringstatechange', () => {
        if (this.#connection.iceGatheringState === 'gathering') setTimeout(resolve, gatherMs);
        if (this.#connection.iceGatheringState === 'complete') resolve();
      });
    });
    await this.offer();
    await this.#gathering;
    await gathered;
    this.#candidates = []; // they are in it
    return this.#connection.localDescription?.sdp ?? '';
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
    this.#end(noPath());
  }

  #lose(error: ProtocolError = noPath()): void {
    if (this.#gone) return;
    this.#end(error);
    this.#hooks.onLost();
  }

  #end(error: ProtocolError): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#deadline);
    this.#accepted.resolve();
    this.#opening.reject(error);
    this.#channels.close(() => this.#connection.close());
  }

  /** With the local description the search begins, so the servers have to be known by then. */
  async #gather(offer: RTCSessionDescriptionInit): Promise<void> {
    const iceServers = [...(await this.#iceServers)];
    if (this.#gone) throw noPath();
    this.#connection.setConfiguration({ ...this.#connection.getConfiguration(), iceServers });
    await this.#connection.setLocalDescription(offer);
  }

  #open(carrier: Carrier): void {
    clearTimeout(this.#deadline);
    this.#opening.resolve(carrier);
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

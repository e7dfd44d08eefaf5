import { Multiplexer, type Stream } from '../../protocol/channel/multiplexer.ts';
import { InstructionDecoder } from '../../protocol/guacamole/decoder.ts';
import { encodeInstructionBytes } from '../../protocol/guacamole/instruction.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { channelLabels, type Carrier } from '../../protocol/channel/carrier.ts';
import type { DetourOffer, ToDetour } from '../../workers/api.ts';
import type { GatewayPeer } from '../../web/session/way/gateway-peer.ts';

/** The other end of a page's peer connection, in the same page: it answers, accepts a stream and notes what it hears. */
export class PageGateway {
  readonly heard: { readonly opcode: string; readonly args: readonly string[] }[] = [];
  #connection = new RTCPeerConnection();
  readonly #channels: RTCDataChannel[] = []; // until both are there
  readonly #stream = Promise.withResolvers<Stream>();
  #multiplexer: Multiplexer | null = null;
  /** Neither hears nor answers from now on: a gateway that hangs. */
  deaf = false;
  /** Gives no credit for what it hears, so that nothing more can be said to it. */
  stingy = false;
  #room: () => void = () => {};

  async answer(peer: GatewayPeer, detour: DetourOffer | null = null): Promise<void> {
    this.#connection.addEventListener('datachannel', ({ channel }) => this.#accept(channel));
    this.#connection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate?.candidate)
        void peer.addCandidate({ candidate: candidate.candidate, mid: candidate.sdpMid ?? '0' });
    });
    const offer = await peer.offer();
    await this.#connection.setRemoteDescription({ type: 'offer', sdp: offer });
    peer.trickle(({ candidate, mid }) => void this.#connection.addIceCandidate({ candidate, sdpMid: mid }));
    const answer = await this.#connection.createAnswer();
    await this.#connection.setLocalDescription(answer);
    await peer.accept(answer.sdp ?? '', detour);
  }

  /** An answer whose candidates nobody hears of. */
  async unreachable(offer: string): Promise<string> {
    await this.#connection.setRemoteDescription({ type: 'offer', sdp: offer });
    return (await this.#connection.createAnswer()).sdp ?? '';
  }

  /** The other end of a way through the server, as the worker opens it. */
  detour(port: MessagePort): void {
    port.onmessage = ({ data }: MessageEvent<ToDetour>) => {
      if (data.kind === 'message' && !this.deaf) this.#multiplexer?.receive(data.message);
    };
    port.postMessage({ kind: 'open' });
    this.#carry({
      send: (message) => port.postMessage({ kind: 'message', message }),
      bufferedAmount: () => 0,
    });
  }

  /** The transport is gone. */
  drop(): void {
    this.#connection.close();
    this.#multiplexer?.away(new ProtocolError('unavailable'));
  }

  /** The answer to a page that comes back; its candidates are in it. */
  async reanswer(offer: string): Promise<string> {
    this.#connection.close();
    this.#channels.length = 0;
    const connection = (this.#connection = new RTCPeerConnection());
    connection.addEventListener('datachannel', ({ channel }) => this.#accept(channel));
    await connection.setRemoteDescription({ type: 'offer', sdp: offer });
    const gathered = new Promise<void>((resolve) => {
      connection.addEventListener('icecandidate', ({ candidate }) => candidate ?? resolve());
    });
    await connection.setLocalDescription(await connection.createAnswer());
    await gathered;
    return connection.localDescription?.sdp ?? '';
  }

  get stream(): Promise<Stream> {
    return this.#stream.promise;
  }

  async send(opcode: string, ...args: (string | number)[]): Promise<void> {
    (await this.stream).write(encodeInstructionBytes(opcode, ...args));
  }

  /** As fast as the page takes it, until it takes no more. */
  async flood(pieces: Iterable<Uint8Array>): Promise<void> {
    const stream = await this.stream;
    stream.onReset = () => this.#room();
    for (const piece of pieces) {
      if (!stream.open) return;
      if (stream.write(piece)) continue;
      await new Promise<void>((resolve) => {
        this.#room = resolve;
        stream.onDrain = resolve;
        if (!stream.open) resolve();
      });
    }
  }

  said(opcode: string): readonly (readonly string[])[] {
    return this.heard.filter((instruction) => instruction.opcode === opcode).map(({ args }) => args);
  }

  close(): void {
    this.#multiplexer?.close();
    this.#connection.close();
  }

  /** Both of the page's channels are its carrier. */
  #accept(channel: RTCDataChannel): void {
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('message', ({ data }) => {
      if (!this.deaf) this.#multiplexer?.receive(new Uint8Array(data as ArrayBuffer));
    });
    const channels = [...this.#channels.splice(0), channel];
    const [bulk, prompt] = [channelLabels.bulk, channelLabels.prompt].map((label) =>
      channels.find((one) => one.label === label),
    );
    if (!bulk || !prompt) return void this.#channels.push(...channels);
    this.#carry({
      send: (message, lane) => {
        if (!this.deaf) ({ bulk, prompt })[lane].send(message);
      },
      bufferedAmount: () => bulk.bufferedAmount + prompt.bufferedAmount,
    });
  }

  #carry(carrier: Carrier): void {
    if (this.#multiplexer !== null) return this.#multiplexer.resume(carrier);
    const decoder = new InstructionDecoder(limits.guacamole.toGuacd);
    this.#multiplexer = new Multiplexer({
      ...{ role: 'acceptor', carrier },
      now: () => performance.now(),
      schedule: (run, ms) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      onStream: (stream) => {
        stream.onData = (bytes) => {
          for (const { opcode, args } of decoder.decode(bytes)) this.heard.push({ opcode, args });
          if (!this.stingy) stream.consumed(bytes.length);
        };
        this.#stream.resolve(stream);
      },
      onAway: () => {},
      onLost: () => {},
    });
  }
}

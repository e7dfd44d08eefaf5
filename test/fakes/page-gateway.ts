import { Multiplexer, type Stream } from '../../protocol/channel/multiplexer.ts';
import { InstructionDecoder } from '../../protocol/guacamole/decoder.ts';
import { encodeInstructionBytes } from '../../protocol/guacamole/instruction.ts';
import { limits } from '../../protocol/limits.ts';
import type { GatewayPeer } from '../../web/session/gateway-peer.ts';

/** The other end of a page's peer connection, in the same page: it answers, accepts a stream and notes what it hears. */
export class PageGateway {
  readonly heard: { readonly opcode: string; readonly args: readonly string[] }[] = [];
  readonly #connection = new RTCPeerConnection();
  readonly #stream = Promise.withResolvers<Stream>();
  #multiplexer: Multiplexer | null = null;
  /** Neither hears nor answers from now on: a gateway that hangs. */
  deaf = false;

  async answer(peer: GatewayPeer): Promise<void> {
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
    await peer.accept(answer.sdp ?? '');
  }

  get stream(): Promise<Stream> {
    return this.#stream.promise;
  }

  async send(opcode: string, ...args: (string | number)[]): Promise<void> {
    (await this.stream).write(encodeInstructionBytes(opcode, ...args));
  }

  said(opcode: string): readonly (readonly string[])[] {
    return this.heard.filter((instruction) => instruction.opcode === opcode).map(({ args }) => args);
  }

  close(): void {
    this.#multiplexer?.close();
    this.#connection.close();
  }

  #accept(channel: RTCDataChannel): void {
    channel.binaryType = 'arraybuffer';
    const decoder = new InstructionDecoder(limits.guacamole.toGuacd);
    const multiplexer = new Multiplexer({
      role: 'acceptor',
      carrier: {
        send: (message) => {
          if (!this.deaf) channel.send(message);
        },
        bufferedAmount: () => channel.bufferedAmount,
      },
      now: () => performance.now(),
      schedule: (run, ms) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      onStream: (stream) => {
        stream.onData = (bytes) => {
          for (const { opcode, args } of decoder.decode(bytes)) this.heard.push({ opcode, args });
          stream.consumed(bytes.length);
        };
        this.#stream.resolve(stream);
      },
      onLost: () => {},
    });
    this.#multiplexer = multiplexer;
    channel.addEventListener('message', ({ data }) => {
      if (!this.deaf) multiplexer.receive(new Uint8Array(data as ArrayBuffer));
    });
  }
}

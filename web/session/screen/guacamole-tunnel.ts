import * as Guacamole from '@glokon/guacamole-common-js';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { encodeInstructionBytes } from '../../../protocol/guacamole/instruction.ts';
import { FrameAnswers } from '../drawing/frame-answers.ts';
import { DrawingPace } from '../drawing/pace.ts';
import { pageTyping } from '../drawing/typing.ts';
import type { PictureIntake } from '../picture/picture-intake.ts';

/** Input waits here while the stream asks for patience; more than this is a session that is gone. */
const mostWaiting = 1024 * 1024;

/** The stream's own heartbeats notice a silent peer, so the tunnel's timeout has nothing to add. */
const noTimeout = 0;

/** A tunnel, and when what comes through it is drawn. */
export interface PacedTunnel {
  readonly tunnel: Guacamole.Tunnel;
  readonly pace: DrawingPace;
  /** Hears of each frame before the client does; the client's own answers say that one is drawn. */
  readonly answers: FrameAnswers;
}

/**
 * A Guacamole tunnel over one stream of the data channel. The stream's end and reset stay the caller's. What comes is the
 * intake's, which is made with the display that the tunnel's client has.
 */
export function createTunnel(
  stream: Stream,
  intake: () => Pick<PictureIntake, 'take' | 'close'>,
): PacedTunnel {
  const Base = Guacamole.Tunnel as unknown as new () => Guacamole.Tunnel;
  const tunnel = new Base();
  const output = new PatientWriter(stream);
  const pace = new DrawingPace({
    typing: pageTyping,
    schedule: (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    draw: (parts) => intake().take(parts),
  });
  const send = (opcode: string, ...elements: readonly unknown[]) => {
    if (tunnel.isConnected()) output.write(encodeInstructionBytes(opcode, ...elements.map(String)));
  };
  const answers = new FrameAnswers((timestamp) => send('sync', timestamp));
  // Guacamole's classes set their methods on each instance, so a subclass could not override them.
  Object.assign(tunnel, {
    receiveTimeout: noTimeout,
    connect: () => {
      setState(tunnel, Guacamole.Tunnel.State.OPEN);
      stream.onData = (bytes) => pace.take(bytes);
      stream.onDrain = () => output.drain();
    },
    disconnect: () => {
      setState(tunnel, Guacamole.Tunnel.State.CLOSED);
      intake().close();
      stream.end();
    },
    sendMessage: (opcode: string, ...elements: unknown[]) => {
      if (opcode === 'sync') answers.drawn(Number(elements[0]));
      else send(opcode, ...elements);
    },
  });
  return { tunnel, pace, answers };
}

/** As if it had been thrown where the stream gave the bytes: some are drawn later. */
export function failStream(stream: Stream, code: string): void {
  if (!stream.open) return;
  stream.reset(code);
  stream.onReset?.(code);
}

function setState(tunnel: Guacamole.Tunnel, state: Guacamole.Tunnel.State): void {
  if (tunnel.state === state) return;
  tunnel.state = state;
  tunnel.onstatechange?.(state);
}

/** Keeps the order of messages while the stream has no room. */
class PatientWriter {
  readonly #stream: Stream;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #full = false;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  write(bytes: Uint8Array): void {
    if (!this.#full) {
      this.#full = !this.#stream.write(bytes) && this.#stream.open;
      return;
    }
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > mostWaiting) return failStream(this.#stream, 'gateway-deaf');
    this.#waiting.push(bytes);
  }

  drain(): void {
    this.#full = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const bytes of waiting) this.write(bytes);
  }
}

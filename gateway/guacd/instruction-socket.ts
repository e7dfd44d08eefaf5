import type { Socket } from 'node:net';
import { encodeInstructionBytes } from '../../protocol/guacamole/instruction.ts';
import type { Instruction } from '../../protocol/guacamole/instruction.ts';
import { InstructionDecoder } from '../../protocol/guacamole/decoder.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { openTcp } from '../tcp.ts';
import { SessionFailure } from '../terminal/failure.ts';

/** Says nothing; what came before it is acknowledged with it. */
const nothing = encodeInstructionBytes('nop');

type Receiver = (batch: readonly Instruction[]) => void;

/**
 * A TCP connection to guacd that delivers whole instructions: one at a time by `next` during the handshake,
 * then in batches to a receiver. It reads only while someone wants what arrives.
 */
export class InstructionSocket {
  /** Settles when the connection is gone, with the reason. */
  readonly closed: Promise<SessionFailure>;
  readonly #socket: Socket;
  readonly #decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
  #queue: Instruction[] = [];
  #receiver: Receiver = (batch) => this.#enqueue(batch);
  #wake: (() => void) | null = null;
  #failure: SessionFailure | null = null;
  #written = 0;
  #acknowledges = false;
  #pieces = 0; // that came

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000); // a guacd on another host may vanish without a word
    socket.pause();
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => this.#fail(lost()));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#fail(lost());
        resolve(this.#failure ?? lost());
      });
    });
  }

  /** Opens the TCP connection. Throws `guacd-unreachable`, or what the signal's owner decides. */
  static async connect(host: string, port: number, signal: AbortSignal): Promise<InstructionSocket> {
    const socket = await openTcp(host, port, signal).catch(() => {
      throw new SessionFailure('guacd', 'guacd-unreachable', 'no connection to guacd');
    });
    return new InstructionSocket(socket);
  }

  /** Instructions sent so far; tells a keep-alive whether it is needed. */
  get written(): number {
    return this.#written;
  }

  /** The next instruction of the handshake. Throws when the connection ends or the signal fires first. */
  async next(signal: AbortSignal): Promise<Instruction> {
    for (;;) {
      const first = this.#queue.shift();
      if (first) return first;
      if (this.#failure) throw this.#failure;
      signal.throwIfAborted();
      await this.#arrival(signal);
    }
  }

  /** From now on everything goes to the receiver, first what `next` has left over. */
  receive(receiver: Receiver): void {
    const left = this.#queue;
    this.#queue = [];
    this.#receiver = receiver;
    this.#socket.resume();
    if (left.length > 0) receiver(left);
  }

  /**
   * From now on what comes is answered with a `nop` when nothing comes behind it: guacd 1.3.0 leaves Nagle's algorithm on
   * (RFC 1122 §4.2.3.4), so the rest of a frame waits until the piece before it is acknowledged, which an operating system that
   * has nothing to send puts off for 40 ms. A guacd that has closed refuses what it is sent (RFC 1122 §4.2.2.13), and what it
   * said last, of which more is still coming, would be lost.
   */
  acknowledge(): void {
    this.#acknowledges = true;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  send(opcode: string, ...args: readonly (string | number)[]): boolean {
    return this.write(encodeInstructionBytes(opcode, ...args));
  }

  /** Sends whole instructions. False: wait for `drained` before sending more. */
  write(bytes: Uint8Array): boolean {
    if (!this.#socket.writable) return true; // the end is announced by `closed`
    this.#written++;
    return this.#socket.write(bytes);
  }

  /** Settles when what was written has left, or the connection is gone. */
  drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  /**
   * Ends the connection: half-close, go on reading so that guacd's unread output does not turn our last
   * instruction into a reset, and destroy when it does not close in time.
   */
  close(withinMs: number): void {
    this.#receiver = () => {};
    this.#acknowledges = false;
    this.#socket.resume();
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), withinMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #take(chunk: Buffer): void {
    if (this.#failure) return;
    this.#pieces++;
    if (this.#acknowledges) this.#acknowledgeLast(this.#pieces);
    let batch: Instruction[];
    try {
      batch = this.#decoder.decode(chunk);
    } catch (error) {
      const why = error instanceof ProtocolError ? error.message : 'undecodable';
      this.#fail(
        new SessionFailure('guacd', 'guacamole-malformed', `guacd sent a malformed instruction: ${why}`),
      );
      this.#socket.destroy();
      return;
    }
    if (batch.length > 0) this.#receiver(batch);
  }

  /** After a whole turn of the event loop in which the socket was looked at and had no more. */
  #acknowledgeLast(piece: number): void {
    const answer = () => {
      if (!this.#acknowledges || this.#pieces !== piece || this.#socket.isPaused()) return;
      if (this.#socket.writableLength === 0) this.write(nothing);
    };
    setImmediate(() => setImmediate(answer));
  }

  #enqueue(batch: readonly Instruction[]): void {
    this.#socket.pause();
    this.#queue.push(...batch);
    this.#wake?.();
  }

  async #arrival(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
      this.#socket.resume();
    });
    this.#wake = null;
  }

  #fail(failure: SessionFailure): void {
    this.#failure ??= failure;
    this.#wake?.();
  }
}

function lost(): SessionFailure {
  return new SessionFailure('guacd', 'guacd-lost', 'guacd closed the connection');
}

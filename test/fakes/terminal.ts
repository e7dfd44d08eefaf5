import { watch } from 'node:fs';
import { once } from 'node:events';
import type { Stream } from '../../protocol/channel/multiplexer.ts';
import { InstructionDecoder } from '../../protocol/guacamole/decoder.ts';
import { encodeInstructionBytes } from '../../protocol/guacamole/instruction.ts';
import { limits } from '../../protocol/limits.ts';
import type { StreamControl } from '../../protocol/messages/gen/session_pb.js';

/** What a page does with a session's stream, but for drawing: answers `sync`, types, and remembers what it is told. */
export class FakeTerminal {
  readonly controls: StreamControl[] = [];
  readonly opcodes = new Map<string, number>();
  bytes = 0;
  /** Pictures on a layer that is seen: pointers are drawn into a buffer, which has a number below zero. */
  pictures = 0;
  /** Sees the instructions as they come, whole or not. */
  onBytes: (bytes: Uint8Array) => void = () => {};
  /** Width and height, as last said. */
  screen: readonly number[] = [];
  #reading = true;
  #unread = 0;
  #lastSync: string | null = null;
  /** Settles with the code of a reset, or `end`. */
  readonly over: Promise<string>;
  readonly #stream: Stream;
  readonly #decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
  readonly #waiting = new Set<() => void>();
  readonly #over = Promise.withResolvers<string>();

  constructor(stream: Stream) {
    this.#stream = stream;
    this.over = this.#over.promise;
    stream.onData = (bytes) => this.#take(bytes);
    stream.onControl = (control) => {
      this.controls.push(control);
      this.#changed();
    };
    stream.onEnd = () => {
      this.#over.resolve('end');
      stream.end();
    };
    stream.onReset = (code) => this.#over.resolve(code);
  }

  send(opcode: string, ...args: (string | number)[]): void {
    this.#stream.write(encodeInstructionBytes(opcode, ...args));
  }

  type(text: string): void {
    for (const letter of text) {
      const keysym = letter === '\n' ? 0xff0d : (letter.codePointAt(0) ?? 0);
      this.send('key', keysym, 1);
      this.send('key', keysym, 0);
    }
  }

  /** Settles with the first control message of that kind, early or late. */
  async control(kind: StreamControl['body']['case']): Promise<StreamControl> {
    await this.until(() => this.controls.some(({ body }) => body.case === kind));
    const found = this.controls.find(({ body }) => body.case === kind);
    if (!found) throw new Error('no such control');
    return found;
  }

  count(opcode: string): number {
    return this.opcodes.get(opcode) ?? 0;
  }

  /** Throws when the stream is over and it does not hold. */
  async until(holds: () => boolean): Promise<void> {
    const over = this.over.then((code) => {
      if (!holds()) throw new Error(`the stream is over: ${code}`);
    });
    over.catch(() => undefined); // nobody may be waiting any more
    while (!holds()) await Promise.race([over, new Promise<void>((resolve) => this.#waiting.add(resolve))]);
  }

  /** Takes no more until `read`. */
  pause(): void {
    this.#reading = false;
  }

  read(): void {
    this.#reading = true;
    if (this.#lastSync !== null) this.send('sync', this.#lastSync);
    this.#lastSync = null;
    const unread = this.#unread;
    this.#unread = 0;
    this.#stream.consumed(unread);
  }

  end(): void {
    this.#stream.end();
  }

  #take(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    this.onBytes(bytes);
    for (const { opcode, args } of this.#decoder.decode(Uint8Array.from(bytes))) {
      this.opcodes.set(opcode, this.count(opcode) + 1);
      if (opcode === 'img' && args[2]?.startsWith('-') === false) this.pictures++;
      if (opcode === 'size' && args[0] === '0') this.screen = args.slice(1).map(Number);
      if (opcode === 'sync' && this.#reading) this.send('sync', args[0] ?? '0');
      else if (opcode === 'sync') this.#lastSync = args[0] ?? '0';
    }
    if (this.#reading) this.#stream.consumed(bytes.length);
    else this.#unread += bytes.length;
    this.#changed();
  }

  #changed(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

/** Waits for a command's effect on the target itself. */
export async function fileHolds(
  target: { readonly home: string; readonly homeFile: (name: string) => string | null },
  name: string,
  content: string,
  withinMs = 30_000,
): Promise<void> {
  const watcher = watch(target.home);
  const deadline = AbortSignal.timeout(withinMs);
  try {
    while (target.homeFile(name) !== content) await once(watcher, 'change', { signal: deadline });
  } finally {
    watcher.close();
  }
}

import { crc32 } from 'node:zlib';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { FakeTerminal } from '../../fakes/terminal.ts';
import type { SshTarget } from '../../fixtures/ssh-target.ts';

export interface SoakSession {
  readonly bytes: number;
  readonly instructions: number;
  /** Whose checksums were right. */
  readonly pictures: number;
  readonly typed: number;
  typeLine(): void;
  /** Settles when something more was drawn. */
  drawn(): Promise<void>;
  /** Waits for all that was typed; every fault that was seen, in words. */
  finish(target: SshTarget): Promise<readonly string[]>;
}

const mostWaitMs = 60_000;
/** More than guacd keeps to scroll back to: from then on a terminal does not grow by what is written. */
const linesBefore = 1_200;

/** A shell that prints a line a second by itself, and writes down what is typed. */
export async function openSoakSession(
  stream: Stream,
  target: SshTarget,
  number: number,
): Promise<SoakSession> {
  const terminal = new FakeTerminal(stream);
  const check = new StreamCheck();
  terminal.onBytes = (bytes) => check.take(bytes);
  await terminal.until(() => terminal.count('sync') > 0 && terminal.pictures > 0);
  const file = `soak-${number}`;
  const lines = `n=0; while :; do n=$((n+1)); echo "line $n of ${number}"; sleep 1; done`;
  terminal.type(`seq 1 ${linesBefore}; (${lines}) & cat > ${file}\n`);
  // A line that is typed while the shell still has the terminal to itself comes out with another end.
  await until(() => target.homeFile(file) !== null);
  return new Soaked(terminal, check, file);
}

/** Looks again and again, and goes on when it holds or nobody would wait any longer. */
async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + mostWaitMs;
  while (!holds() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 100));
}

class Soaked implements SoakSession {
  readonly #terminal: FakeTerminal;
  readonly #check: StreamCheck;
  readonly #file: string;
  typed = 0;

  constructor(terminal: FakeTerminal, check: StreamCheck, file: string) {
    this.#terminal = terminal;
    this.#check = check;
    this.#file = file;
  }

  get bytes(): number {
    return this.#terminal.bytes;
  }

  get instructions(): number {
    return [...this.#terminal.opcodes.values()].reduce((sum, count) => sum + count, 0);
  }

  get pictures(): number {
    return this.#check.whole;
  }

  typeLine(): void {
    this.#terminal.type(`typed ${++this.typed}\n`);
  }

  async drawn(): Promise<void> {
    const before = this.pictures;
    await this.#terminal.until(() => this.pictures > before);
  }

  async finish(target: SshTarget): Promise<readonly string[]> {
    const wanted = Array.from({ length: this.typed }, (_, n) => `typed ${n + 1}\n`).join('');
    const written = () => target.homeFile(this.#file) ?? '';
    await until(() => written().length >= wanted.length);
    const faults = [...this.#check.faults];
    if (written() !== wanted)
      faults.push(`${this.#file} holds ${written().length} of ${wanted.length} bytes as they were typed`);
    if (this.#check.whole === 0) faults.push(`${this.#file}: no picture was checked`);
    this.#terminal.send('disconnect');
    return faults;
  }
}

/** Follows the stream of one session by itself: that it can be read, that time does not go back, that pictures are whole. */
class StreamCheck {
  readonly faults: string[] = [];
  whole = 0;
  readonly #decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
  readonly #pictures = new Map<string, Buffer[]>();
  #lastSync = 0;
  #broken = false;

  take(bytes: Uint8Array): void {
    if (this.#broken) return;
    try {
      for (const { opcode, args } of this.#decoder.decode(Uint8Array.from(bytes))) this.#see(opcode, args);
    } catch (error) {
      this.#broken = true;
      this.faults.push(
        `the stream cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  #see(opcode: string, args: readonly string[]): void {
    const [first = '', second = ''] = args;
    if (opcode === 'img' && args[3] === 'image/png') this.#pictures.set(first, []);
    else if (opcode === 'blob') this.#pictures.get(first)?.push(Buffer.from(second, 'base64'));
    else if (opcode === 'end') this.#judge(first);
    else if (opcode === 'sync' && Number(first) < this.#lastSync) this.faults.push('time went back');
    if (opcode === 'sync') this.#lastSync = Number(first);
  }

  #judge(stream: string): void {
    const parts = this.#pictures.get(stream);
    this.#pictures.delete(stream);
    if (parts === undefined) return;
    if (isWholePng(Buffer.concat(parts))) this.whole++;
    else this.faults.push('a picture is not whole');
  }
}

/** Every chunk has its checksum, and after the last there is nothing (PNG §5). */
function isWholePng(png: Buffer): boolean {
  let at = 8;
  while (at + 12 <= png.length) {
    const length = png.readUInt32BE(at);
    const data = png.subarray(at + 4, at + 8 + length);
    if (at + 12 + length > png.length || crc32(data) !== png.readUInt32BE(at + 8 + length)) return false;
    at += 12 + length;
    if (data.toString('latin1', 0, 4) === 'IEND') return at === png.length;
  }
  return false;
}

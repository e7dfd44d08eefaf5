// The two ends of a terminal session that a test plays: a browser's, and an ear at the shell.
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { encodeInstructionBytes } from '../../../protocol/guacamole/instruction.ts';
import type { Instruction } from '../../../protocol/guacamole/instruction.ts';
import { limits } from '../../../protocol/limits.ts';
import type { ShellTap } from '../../../gateway/ssh/join-shells.ts';

/** Waits for something to become true, looking whenever `changed` is called. */
class Condition {
  #waiting = new Set<() => void>();

  changed(): void {
    for (const look of this.#waiting) look();
  }

  until(holds: () => boolean, what: () => string, milliseconds = 15_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`never seen: ${what()}`));
      }, milliseconds);
      const look = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

type Writer = { write(bytes: Uint8Array): boolean };

/** Draws nothing, but answers `sync` as guacamole-common-js does, and remembers what it was sent. */
export class BrowserStandIn {
  readonly counts = new Map<string, number>();
  readonly instructions: Instruction[] = [];
  /** What a viewer would answer about room. */
  room = true;
  bytes = 0;
  #condition = new Condition();
  #decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
  #session: Writer | null = null;

  /** The session that it talks to, known only after it was shown something. */
  speakTo(session: Writer): void {
    this.#session = session;
    for (const { opcode, args } of this.instructions) if (opcode === 'sync') this.send('sync', args[0] ?? '');
  }

  readonly view = (bytes: Uint8Array): boolean => {
    this.bytes += bytes.length;
    for (const instruction of this.#decoder.decode(Uint8Array.from(bytes))) this.#take(instruction);
    this.#condition.changed();
    return this.room;
  };

  send(opcode: string, ...args: (string | number)[]): void {
    this.#session?.write(encodeInstructionBytes(opcode, ...args));
  }

  key(keysym: number): void {
    this.send('key', keysym, 1);
    this.send('key', keysym, 0);
  }

  type(text: string): void {
    for (const letter of text) {
      const point = letter.codePointAt(0) ?? 0;
      this.key(letter === '\n' ? 0xff0d : point < 256 ? point : 0x1000000 + point);
    }
  }

  count(opcode: string): number {
    return this.counts.get(opcode) ?? 0;
  }

  /** Colours that areas were filled with, as red,green,blue. */
  get fills(): string[] {
    const filled = this.instructions.filter(({ opcode }) => opcode === 'cfill');
    return filled.map(({ args }) => args.slice(2, 5).join());
  }

  until(holds: () => boolean, what: string): Promise<void> {
    return this.#condition.until(holds, () => what);
  }

  #take(instruction: Instruction): void {
    this.counts.set(instruction.opcode, this.count(instruction.opcode) + 1);
    this.instructions.push({ opcode: instruction.opcode, args: [...instruction.args], raw: instruction.raw });
    if (instruction.opcode === 'sync') this.send('sync', instruction.args[0] ?? '');
  }
}

/** Hears what goes between guacd's terminal and the target's shell. */
export class Ear implements ShellTap {
  text = '';
  typed = '';
  readonly sizes: { columns: number; rows: number }[] = [];
  readonly #decoder = new TextDecoder();
  readonly #condition = new Condition();

  output(bytes: Uint8Array): void {
    this.text += this.#decoder.decode(bytes, { stream: true });
    this.#condition.changed();
  }

  input(bytes: Uint8Array): void {
    this.typed += Buffer.from(bytes).toString();
    this.#condition.changed();
  }

  resize({ columns, rows }: { columns: number; rows: number }): void {
    this.sizes.push({ columns, rows });
    this.#condition.changed();
  }

  hears(what: string | RegExp): Promise<void> {
    const found = () => (typeof what === 'string' ? this.text.includes(what) : what.test(this.text));
    const state = () =>
      `${what} in ${JSON.stringify(this.text.slice(-500))}, typed ${JSON.stringify(this.typed)}`;
    return this.#condition.until(found, state);
  }
}

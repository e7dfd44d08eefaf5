import { concat } from '../../protocol/bytes.ts';

/** RFC 854. */
const command = 255;
const commands = { end: 240, begin: 250, will: 251, dont: 254 } as const;
const carriageReturn = 13;
/** Terminal type and environment: the subnegotiations of a target that guacd answers. */
const answered: readonly number[] = [24, 39];
/** MCCP: what follows would be compressed, which nobody here could read and guacd could. */
const compression: readonly number[] = [85, 86];
/** Of a subnegotiation, its option included. One that is longer means nothing to anybody. */
const mostHeld = 512;

type Reading = 'content' | 'after return' | 'command' | 'option' | 'held option' | 'held' | 'command in held';

/** Where the bytes go, as they are understood. */
interface Understood {
  /** `filler`: the zero after a return that is no end of a line. */
  said(byte: number, filler: boolean): void;
  commanded(bytes: readonly number[]): void;
}

/** One direction of telnet, in pieces that are cut anywhere: what is said, and what is negotiated. */
export class TelnetBytes {
  readonly #content: (bytes: Uint8Array) => void;
  readonly #negotiated: (held: readonly number[]) => void;
  #reading: Reading = 'content';
  #verb = 0;
  #held: number[] = [];

  constructor(content: (bytes: Uint8Array) => void, negotiated: (held: readonly number[]) => void) {
    this.#content = content;
    this.#negotiated = negotiated;
  }

  read(bytes: Uint8Array): void {
    const content: number[] = [];
    const out: Understood = {
      said: (byte, filler) => void (filler || content.push(byte)),
      commanded: () => {},
    };
    for (const byte of bytes) this.#next(byte, out);
    if (content.length > 0) this.#content(Uint8Array.from(content));
  }

  /**
   * What is said as `rewrite` has it, and of telnet's commands those that guacd reads exactly as they were read here:
   * subnegotiations are written anew when they are whole, and nothing begins a compression.
   */
  rewrite(bytes: Uint8Array, rewrite: (content: Uint8Array) => Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    let said: number[] = [];
    const flush = () => {
      if (said.length > 0) parts.push(rewrite(Uint8Array.from(said)));
      said = [];
    };
    const out: Understood = {
      said: (byte) => void said.push(byte),
      commanded: (written) => {
        flush();
        parts.push(Uint8Array.from(written));
      },
    };
    for (const byte of bytes) this.#next(byte, out);
    flush();
    return concat(...parts);
  }

  #next(byte: number, out: Understood): void {
    switch (this.#reading) {
      case 'command':
        return this.#command(byte, out);
      case 'option':
        this.#reading = 'content';
        if (!compression.includes(byte)) out.commanded([command, this.#verb, byte]);
        return;
      case 'held option':
        this.#held = [byte];
        this.#reading = 'held';
        return;
      case 'held':
      case 'command in held':
        return this.#hold(byte, out);
      case 'content':
      case 'after return':
        return this.#say(byte, out);
    }
  }

  #say(byte: number, out: Understood): void {
    const filler = byte === 0 && this.#reading === 'after return';
    this.#reading = byte === command ? 'command' : byte === carriageReturn ? 'after return' : 'content';
    if (byte !== command) out.said(byte, filler);
  }

  #command(byte: number, out: Understood): void {
    const takesOption = byte >= commands.will && byte <= commands.dont;
    this.#verb = byte;
    this.#reading = byte === commands.begin ? 'held option' : takesOption ? 'option' : 'content';
    if (byte === command) out.said(byte, false);
    else if (this.#reading === 'content') out.commanded([command, byte]);
  }

  /** A command in the middle breaks the subnegotiation off, and counts. */
  #hold(byte: number, out: Understood): void {
    const escaped = this.#reading === 'command in held';
    if (!escaped && byte === command) return void (this.#reading = 'command in held');
    if (escaped && byte === commands.end) return this.#end(out);
    if (escaped && byte !== command) return this.#command(byte, out);
    this.#reading = 'held';
    if (this.#held.length <= mostHeld) this.#held.push(byte);
  }

  #end(out: Understood): void {
    this.#reading = 'content';
    const [option = 0] = this.#held;
    if (this.#held.length > mostHeld) return;
    this.#negotiated(this.#held);
    if (!answered.includes(option)) return;
    const escaped = this.#held.flatMap((byte) => (byte === command ? [command, command] : [byte]));
    out.commanded([command, commands.begin, ...escaped, command, commands.end]);
  }
}

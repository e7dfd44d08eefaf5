import { concat } from '../../protocol/bytes.ts';

/** RFC 854. */
const command = 255;
const commands = { end: 240, begin: 250, will: 251, dont: 254 } as const;
const carriageReturn = 13;
/** Of a subnegotiation that is looked into, one has 5 bytes. */
const mostHeld = 16;

type Reading = 'content' | 'after return' | 'command' | 'option' | 'held' | 'command in held';

/** One direction of telnet, in pieces that are cut anywhere: what is said, and what is negotiated. */
export class TelnetBytes {
  readonly #content: (bytes: Uint8Array) => void;
  readonly #negotiated: (held: readonly number[]) => void;
  #reading: Reading = 'content';
  #held: number[] = [];

  constructor(content: (bytes: Uint8Array) => void, negotiated: (held: readonly number[]) => void) {
    this.#content = content;
    this.#negotiated = negotiated;
  }

  read(bytes: Uint8Array): void {
    const content: number[] = [];
    for (const byte of bytes) this.#next(byte, content);
    if (content.length > 0) this.#content(Uint8Array.from(content));
  }

  /** Telnet's own commands as they are, what is said as `rewrite` has it. */
  rewrite(bytes: Uint8Array, rewrite: (content: Uint8Array) => Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    let from = 0;
    let said = true;
    const cut = (to: number) => {
      const part = bytes.subarray(from, to);
      if (part.length > 0) parts.push(said ? rewrite(part) : part);
      from = to;
    };
    bytes.forEach((byte, at) => {
      const saidBefore = this.#says();
      this.#next(byte, []);
      const isSaid = saidBefore && this.#says();
      if (isSaid !== said) cut(at);
      said = isSaid;
    });
    cut(bytes.length);
    return concat(...parts);
  }

  #says(): boolean {
    return this.#reading === 'content' || this.#reading === 'after return';
  }

  #next(byte: number, content: number[]): void {
    const reading = this.#reading;
    if (reading === 'command') this.#command(byte, content);
    else if (reading === 'option') this.#reading = 'content';
    else if (reading === 'held' || reading === 'command in held') this.#hold(byte);
    else if (byte === command) this.#reading = 'command';
    else {
      // A return that is no end of a line has a zero after it.
      if (byte !== 0 || reading !== 'after return') content.push(byte);
      this.#reading = byte === carriageReturn ? 'after return' : 'content';
    }
  }

  #command(byte: number, content: number[]): void {
    if (byte === command) content.push(byte);
    this.#held = [];
    if (byte === commands.begin) this.#reading = 'held';
    else this.#reading = byte >= commands.will && byte <= commands.dont ? 'option' : 'content';
  }

  #hold(byte: number): void {
    const escaped = this.#reading === 'command in held';
    if (!escaped && byte === command) return void (this.#reading = 'command in held');
    this.#reading = escaped && byte !== command ? 'content' : 'held';
    if (escaped && byte === commands.end) return this.#negotiated(this.#held);
    if (this.#held.length < mostHeld) this.#held.push(byte);
  }
}

import type { ShellTap } from '../ssh/join-shells.ts';
import type { RelayTap } from './relay.ts';

/** RFC 854, and RFC 1073 for the size of the window. */
const command = 255;
const commands = { end: 240, begin: 250, will: 251, dont: 254 } as const;
const windowSize = 31;
const carriageReturn = 13;
/** Of a subnegotiation that is looked into, one has 5 bytes. */
const mostHeld = 16;

/**
 * Reads along with telnet between guacd and the target: what the terminal wrote and was sent, without telnet's own
 * commands, and the size that guacd gives it. It only looks on.
 */
export class TelnetTap implements RelayTap {
  readonly #fromTarget: TelnetBytes;
  readonly #fromGuacd: TelnetBytes;
  #person: boolean;

  /** `logsIn`: guacd has a login to type; what comes before the person's first key is its. */
  constructor(tap: ShellTap, logsIn: boolean) {
    this.#person = !logsIn;
    this.#fromTarget = new TelnetBytes(
      (bytes) => tap.output(bytes),
      () => {},
    );
    this.#fromGuacd = new TelnetBytes(
      (bytes) => this.#person && tap.input(bytes),
      ([option, a = 0, b = 0, c = 0, d = 0, ...more]) => {
        if (option !== windowSize || more.length > 0) return;
        tap.resize({ columns: a * 256 + b, rows: c * 256 + d, width: 0, height: 0 });
      },
    );
  }

  fromTarget(bytes: Uint8Array): void {
    this.#fromTarget.read(bytes);
  }

  fromGuacd(bytes: Uint8Array): void {
    this.#fromGuacd.read(bytes);
  }

  /** What the browser says, before guacd hears it. */
  fromBrowser(instructions: Uint8Array): void {
    if (this.#person) return;
    const { buffer, byteOffset, length } = instructions;
    this.#person = Buffer.from(buffer, byteOffset, length).includes('3.key,');
  }
}

type Reading = 'content' | 'after return' | 'command' | 'option' | 'held' | 'command in held';

/** One direction of telnet, in pieces that are cut anywhere. */
class TelnetBytes {
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

import { parseUtf8, utf8 } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import type { Instruction } from './instruction.ts';
import { Utf8Validator } from './utf8-validator.ts';

/** Bounds of one instruction. An element's length counts code points, as on the wire. */
export interface InstructionLimits {
  readonly elementLength: number;
  readonly elements: number;
  readonly instructionBytes: number;
}

const dot = 0x2e;
const comma = 0x2c;
const semicolon = 0x3b;
const zero = 0x30;
const nine = 0x39;

type Expecting = 'first digit' | 'more digits' | 'content' | 'terminator';

/**
 * Cuts a stream of bytes or text, split anywhere, into instructions. Strict: every length is canonical decimal,
 * every byte valid UTF-8, and an instruction over the limits is refused from its announced length, before its
 * content is kept. After an error the decoder refuses everything: the stream has lost its place.
 */
export class InstructionDecoder {
  readonly #limits: InstructionLimits;
  readonly #utf8 = new Utf8Validator();
  #expecting: Expecting = 'first digit';
  #value = 0; // the length read so far, then the code points still to come
  #kept: Uint8Array; // start of an instruction whose end has not arrived
  #keptLength = 0;
  #starts: number[] = []; // of each element's content, from the start of the instruction
  #ends: number[] = [];
  #highSurrogate = '';
  #failed = false;

  constructor(limits: InstructionLimits) {
    this.#limits = limits;
    this.#kept = new Uint8Array(Math.min(1024, limits.instructionBytes));
  }

  /** Bytes of an unfinished instruction held at present; never above `instructionBytes`. */
  get buffered(): number {
    return this.#keptLength;
  }

  /**
   * The instructions that this chunk completes, in order. Their `raw` may be views of the chunk: whoever reuses
   * the chunk's memory copies them first. Throws `guacamole-malformed`.
   */
  decode(chunk: Uint8Array | string): Instruction[] {
    if (this.#failed) throw malformed('decoder has failed before');
    try {
      const bytes = typeof chunk === 'string' ? this.#encode(chunk) : this.#afterText(chunk);
      return this.#scan(bytes);
    } catch (error) {
      this.#failed = true;
      this.#keptLength = 0;
      throw error;
    }
  }

  /** Call at the end of the stream. Throws `guacamole-malformed` when it ends inside an instruction. */
  end(): void {
    if (this.#failed || this.#keptLength > 0 || this.#highSurrogate !== '')
      throw malformed('stream ends early');
  }

  /** A text chunk may end between the two halves of a surrogate pair: the first half waits for the next chunk. */
  #encode(chunk: string): Uint8Array {
    const text = this.#highSurrogate + chunk;
    const endsHigh = (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800;
    this.#highSurrogate = endsHigh ? text.slice(-1) : '';
    const whole = endsHigh ? text.slice(0, -1) : text;
    if (!whole.isWellFormed()) throw malformed('lone surrogate');
    return utf8(whole);
  }

  #afterText(chunk: Uint8Array): Uint8Array {
    if (this.#highSurrogate !== '') throw malformed('lone surrogate');
    return chunk;
  }

  #scan(chunk: Uint8Array): Instruction[] {
    const done: Instruction[] = [];
    let begin = 0; // of the current instruction's part in this chunk
    let at = 0;
    while (at < chunk.length) {
      const offset = this.#keptLength + at - begin;
      if (this.#expecting === 'content') {
        at = this.#content(chunk, at);
        if (this.#expecting !== 'content') this.#ends.push(this.#keptLength + at - begin);
      } else if (this.#expecting === 'terminator') {
        const last = this.#terminator(chunk[at++] ?? 0);
        if (!last) continue;
        done.push(this.#finish(chunk.subarray(begin, at)));
        begin = at;
      } else {
        this.#length(chunk[at++] ?? 0, offset);
      }
    }
    this.#keep(chunk.subarray(begin));
    return done;
  }

  /** One byte of `length.`; at the dot the whole element must fit the limits, before any of it is taken. */
  #length(byte: number, offset: number): void {
    if (byte >= zero && byte <= nine) {
      if (this.#expecting === 'more digits' && this.#value === 0)
        throw malformed('length has a leading zero');
      this.#value = this.#value * 10 + byte - zero;
      this.#expecting = 'more digits';
      if (this.#value > this.#limits.elementLength) throw malformed('element is too long');
    } else if (byte === dot && this.#expecting === 'more digits') {
      this.#open(offset + 1);
    } else {
      throw malformed('length is not a number');
    }
  }

  #open(start: number): void {
    if (this.#starts.length >= this.#limits.elements) throw malformed('too many elements');
    // One byte a code point is the least, and the terminator follows.
    if (start + this.#value + 1 > this.#limits.instructionBytes) throw malformed('instruction is too long');
    this.#starts.push(start);
    this.#expecting = this.#value > 0 ? 'content' : 'terminator';
    if (this.#value === 0) this.#ends.push(start);
  }

  /** Takes content until the element or the chunk ends; returns where it stopped. */
  #content(chunk: Uint8Array, from: number): number {
    let at = from;
    let missing = this.#value;
    while (missing > 0 && at < chunk.length) {
      const byte = chunk[at++] ?? 0;
      if (byte >= 0x80 || !this.#utf8.atBoundary) {
        this.#utf8.push(byte);
        if (!this.#utf8.atBoundary) continue;
      }
      missing--;
    }
    this.#value = missing;
    if (missing === 0) this.#expecting = 'terminator';
    return at;
  }

  /** Tells whether the instruction ends here. */
  #terminator(byte: number): boolean {
    if (byte !== comma && byte !== semicolon) throw malformed('element has no end');
    this.#expecting = 'first digit';
    this.#value = 0;
    return byte === semicolon;
  }

  #finish(tail: Uint8Array): Instruction {
    const length = this.#keptLength + tail.length;
    if (length > this.#limits.instructionBytes) throw malformed('instruction is too long');
    const raw = this.#keptLength === 0 ? tail : this.#join(tail);
    const instruction = new DecodedInstruction(raw, this.#starts, this.#ends);
    this.#keptLength = 0;
    this.#starts = [];
    this.#ends = [];
    return instruction;
  }

  #join(tail: Uint8Array): Uint8Array {
    const raw = new Uint8Array(this.#keptLength + tail.length);
    raw.set(this.#kept.subarray(0, this.#keptLength));
    raw.set(tail, this.#keptLength);
    return raw;
  }

  #keep(part: Uint8Array): void {
    const length = this.#keptLength + part.length;
    // Code points of several bytes: only counting what came shows that the instruction cannot end in time.
    if (length >= this.#limits.instructionBytes) throw malformed('instruction is too long');
    if (length > this.#kept.length) this.#grow(length);
    this.#kept.set(part, this.#keptLength);
    this.#keptLength = length;
  }

  #grow(needed: number): void {
    const size = Math.min(this.#limits.instructionBytes, Math.max(needed, this.#kept.length * 2));
    const grown = new Uint8Array(size);
    grown.set(this.#kept.subarray(0, this.#keptLength));
    this.#kept = grown;
  }
}

/** Arguments become text only when asked for: most instructions are passed on by their bytes alone. */
class DecodedInstruction implements Instruction {
  readonly opcode: string;
  readonly raw: Uint8Array;
  readonly #starts: readonly number[];
  readonly #ends: readonly number[];
  #args: readonly string[] | null = null;

  constructor(raw: Uint8Array, starts: readonly number[], ends: readonly number[]) {
    this.raw = raw;
    this.#starts = starts;
    this.#ends = ends;
    this.opcode = this.#element(0);
  }

  get args(): readonly string[] {
    this.#args ??= this.#starts.slice(1).map((_, i) => this.#element(i + 1));
    return this.#args;
  }

  #element(index: number): string {
    return parseUtf8(this.raw.subarray(this.#starts[index], this.#ends[index]));
  }
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('guacamole-malformed', message);
}

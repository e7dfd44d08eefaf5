import { ProtocolError } from '../../protocol/errors.ts';
import { arity, integer, oneOf, real, text } from '../../protocol/guacamole/argument-checks.ts';
import type { ArgumentCheck } from '../../protocol/guacamole/argument-checks.ts';
import { InstructionDecoder } from '../../protocol/guacamole/decoder.ts';
import type { Instruction } from '../../protocol/guacamole/instruction.ts';
import { encodeInstructionBytes } from '../../protocol/guacamole/instruction.ts';
import { limits } from '../../protocol/limits.ts';
import type { TerminalChange } from './terminal-changes.ts';

/** What the session's policy lets the browser do. */
export interface BrowserPolicy {
  readonly disablePaste: boolean;
  /** Of somebody who is a guest in a session: its size, its pace and its settings are its owner's. */
  readonly guest?: GuestPolicy;
}

/** Somebody is there; `done`: they did more than to move a pointer. */
export type OnInput = (done: boolean) => void;

export interface GuestPolicy {
  /** What the guest does may reach the target; else they look on. */
  readonly typing: boolean;
  /** Whether it does at this moment. */
  readonly heard: () => boolean;
}

/** What became of a chunk from the browser. */
export interface Filtered {
  /** Instructions to pass on to guacd, as they came. */
  readonly forward: readonly Uint8Array[];
  /** Settings of the terminal, whole. */
  readonly changes: readonly TerminalChange[];
  /** Answers for the browser to what was not passed on. */
  readonly replies: readonly Uint8Array[];
  /** The browser asked for the end. */
  readonly disconnect: boolean;
}

const streamIndex = integer(0, 0x7fff_ffff);
const coordinate = integer(-32_768, 32_767);
const mimetype = text(1, 100);

/**
 * Everything a browser may say after the handshake, which is the gateway's alone: an opcode that is not here
 * (select, connect, put, pipe …) never reaches guacd. Keysyms end with the XF86 range, 29 bits.
 */
const allowed: ReadonlyMap<string, readonly ArgumentCheck[]> = new Map([
  ['key', arity(integer(0, 0x1fff_ffff), integer(0, 1))],
  ['mouse', arity(coordinate, coordinate, integer(0, 0x3ff))],
  ['touch', arity(integer(0, 255), coordinate, coordinate, coordinate, coordinate, real(-7, 7), real(0, 1))],
  ['size', arity(integer(1, 16_384), integer(1, 16_384))],
  ['clipboard', arity(streamIndex, mimetype)],
  ['argv', arity(streamIndex, mimetype, oneOf('color-scheme', 'font-size'))],
  ['blob', arity(streamIndex, text(0, 8_064))],
  ['end', arity(streamIndex)],
  ['ack', arity(streamIndex, text(0, 256), integer(0, 0xffff))],
  ['sync', arity(integer(0, Number.MAX_SAFE_INTEGER))],
  ['nop', arity()],
  ['disconnect', arity()],
]);

/** What a person does, and no page by itself. */
const inputs: ReadonlySet<string> = new Set(['key', 'mouse', 'touch', 'clipboard']);

/** Whether it does something to the target: a pointer that only moves and keys that are let go of do not. */
function isDone({ opcode, args }: Instruction): boolean {
  if (opcode === 'key') return args[1] === '1';
  return opcode === 'mouse' ? args[2] !== '0' : inputs.has(opcode);
}

/** What of a session is its owner's alone. */
const ownersOnly: ReadonlySet<string> = new Set(['size', 'argv', 'sync']);
/** Keys that one guest holds down at once: more than two hands do. */
const mostPressed = 64;

/** Streams a browser may hold open at once: one paste and one setting are all that it ever needs. */
const maxStreams = 8;
/** Bytes of base64 in one stream. guacd keeps 256 KiB of clipboard and drops the rest. */
const maxStreamText = 512 * 1024;
/** Of a setting: a colour scheme of one's own is a few hundred. */
const maxChangeText = 8 * 1024;
const clientForbidden = 0x0303;

/** Judges what the browser sends, instruction by instruction. One filter belongs to one browser attachment. */
export class BrowserFilter {
  readonly #policy: BrowserPolicy;
  readonly #onRefused: (opcode: string) => void;
  readonly #onInput: OnInput;
  readonly #decoder = new InstructionDecoder(limits.guacamole.toGuacd);
  readonly #open = new Map<string, number>(); // stream index → base64 characters so far
  readonly #changing = new Map<string, { readonly name: string; readonly blobs: string[] }>(); // likewise
  readonly #pressed = new Set<string>(); // by a guest, and passed on: so is their release
  #forward: Uint8Array[] = [];
  #changes: TerminalChange[] = [];
  #replies: Uint8Array[] = [];
  #disconnect = false;

  /** `onRefused` hears of opcodes that were dropped, for the log; `onInput` that somebody is there. */
  constructor(
    policy: BrowserPolicy,
    onRefused: (opcode: string) => void = () => {},
    onInput: OnInput = () => {},
  ) {
    this.#policy = policy;
    this.#onRefused = onRefused;
    this.#onInput = onInput;
  }

  /** Throws `guacamole-malformed` for a broken stream, a wrong argument or a stream that was never opened. */
  filter(chunk: Uint8Array): Filtered {
    for (const instruction of this.#decoder.decode(chunk)) this.#judge(instruction);
    const filtered = {
      ...{ forward: this.#forward, changes: this.#changes },
      ...{ replies: this.#replies, disconnect: this.#disconnect },
    };
    this.#forward = [];
    this.#changes = [];
    this.#replies = [];
    return filtered;
  }

  /** What lets go of every key that a guest still holds down: the target knows one keyboard, and its owner goes on with it. */
  releaseKeys(): readonly Uint8Array[] {
    const released = [...this.#pressed].map((key) => encodeInstructionBytes('key', key, 0));
    this.#pressed.clear();
    return released;
  }

  #judge(instruction: Instruction): void {
    const checks = allowed.get(instruction.opcode);
    if (!checks) return this.#onRefused(instruction.opcode);
    this.#checkArguments(instruction, checks);
    if (this.#policy.guest && !this.#isGuests(instruction, this.#policy.guest)) return;
    if (inputs.has(instruction.opcode)) this.#onInput(isDone(instruction));
    if (instruction.opcode === 'disconnect') this.#disconnect = true;
    else if (instruction.opcode === 'clipboard' && this.#policy.disablePaste) this.#refuse(instruction);
    else if (this.#tracks(instruction)) this.#forward.push(instruction.raw);
  }

  /** Whether a guest may say it now. No key stays down for good when they are not heard any more. */
  #isGuests({ opcode, args }: Instruction, { typing, heard }: GuestPolicy): boolean {
    if (ownersOnly.has(opcode)) return false;
    if (!inputs.has(opcode)) return true;
    const [key = '', down] = args;
    if (opcode === 'key' && down === '0' && this.#pressed.delete(key)) return true;
    if (!typing || !heard()) return false;
    if (opcode !== 'key' || down !== '1') return true;
    if (this.#pressed.size >= mostPressed && !this.#pressed.has(key)) return false; // nobody could let go of it
    this.#pressed.add(key);
    return true;
  }

  #checkArguments({ opcode, args }: Instruction, checks: readonly ArgumentCheck[]): void {
    // `size` may name a resolution, `sync` a frame count (1.6): known trailing integers, passed on as they are.
    const extra = opcode === 'size' || opcode === 'sync' ? 1 : 0;
    const right =
      args.length >= checks.length &&
      args.length <= checks.length + extra &&
      args.every((arg, i) => (checks[i] ?? integer(0, 0xffff))(arg));
    if (!right) throw new ProtocolError('guacamole-malformed', `wrong arguments of ${opcode}`);
  }

  /** Keeps the books of streams. False: it goes nowhere, as what belongs to a stream that was refused, or not by itself. */
  #tracks({ opcode, args }: Instruction): boolean {
    const index = args[0] ?? '';
    if (opcode === 'clipboard' || opcode === 'argv') {
      if (this.#open.size >= maxStreams) throw new ProtocolError('guacamole-malformed', 'too many streams');
      this.#open.set(index, 0);
      this.#changing.delete(index);
      if (opcode === 'argv') this.#changing.set(index, { name: args[2] ?? '', blobs: [] });
      return opcode === 'clipboard';
    }
    const change = this.#changing.get(index);
    if (opcode === 'blob') return this.#count(index, args[1] ?? '', change?.blobs);
    if (opcode !== 'end') return true;
    if (change !== undefined) this.#changes.push(change);
    this.#changing.delete(index);
    return this.#open.delete(index) && change === undefined;
  }

  #count(index: string, text: string, kept: string[] | undefined): boolean {
    const length = (this.#open.get(index) ?? Infinity) + text.length;
    if (length === Infinity) return false;
    if (length > (kept ? maxChangeText : maxStreamText))
      throw new ProtocolError('guacamole-malformed', 'stream is too long');
    this.#open.set(index, length);
    if (text !== '') kept?.push(text); // of nothing there may be any number
    return kept === undefined;
  }

  #refuse({ opcode, args }: Instruction): void {
    this.#onRefused(opcode);
    this.#replies.push(encodeInstructionBytes('ack', args[0] ?? '', 'not allowed here', clientForbidden));
  }
}

import type { Instruction } from '../../protocol/guacamole/instruction.ts';
import { integer, oneOf } from './argument-checks.ts';
import { encodeInstructionBytes } from '../../protocol/guacamole/instruction.ts';

/** What of a target's side streams may reach the browser. */
export interface TargetPolicy {
  readonly disableCopy: boolean;
}

/** Drawing and its bookkeeping: all that guacamole-common-js understands and that opens no stream. */
const passing: ReadonlySet<string> = new Set([
  ...['ack', 'arc', 'cfill', 'clip', 'close', 'copy', 'cstroke', 'cursor', 'curve', 'dispose', 'distort'],
  ...['identity', 'lfill', 'line', 'lstroke', 'mouse', 'move', 'name', 'png', 'jpeg', 'pop', 'push', 'rect'],
  ...['reset', 'set', 'shade', 'size', 'start', 'sync', 'transfer', 'transform'],
]);

/**
 * Instructions that open a stream, with the place of its index. Escape sequences of a hostile target can make
 * guacd's terminal open pipes and file downloads, so only these three pass; the others are answered for the browser.
 */
const openers: ReadonlyMap<string, number> = new Map([
  ['img', 0],
  ['clipboard', 0],
  ['argv', 0],
]);
const refusedOpeners: ReadonlyMap<string, number> = new Map([
  ['audio', 0],
  ['video', 0],
  ['file', 0],
  ['pipe', 0],
  ['nest', 0],
  ['body', 1],
]);

/** Layers of a desktop and its windows are some; each is a canvas of the page. */
const layer = integer(-1_024, 1_024);
const side = integer(0, 16_384);
/** Pixels of one layer: four times those of a 4K screen. A canvas of the page takes 4 bytes for each. */
const mostPixels = 4 * 3_840 * 2_160;
/** What guacd tells of its terminals. */
const terminalArgument = oneOf('color-scheme', 'font-name', 'font-size');

const maxStreams = 256;
/** Base64 characters of one clipboard: guacd's own bound is 256 KiB of text. */
const maxClipboardText = 512 * 1024;
const clientForbidden = 0x0303;

export interface TargetFiltered {
  readonly forward: readonly Uint8Array[];
  /** Answers to guacd for streams that the browser will not see. */
  readonly replies: readonly Uint8Array[];
}

/** Judges what guacd sends to the browser, instruction by instruction; bytes pass unchanged or not at all. */
export class TargetFilter {
  readonly #policy: TargetPolicy;
  readonly #onRefused: (opcode: string) => void;
  readonly #open = new Map<string, { clipboard: boolean; left: number }>();

  constructor(policy: TargetPolicy, onRefused: (opcode: string) => void = () => {}) {
    this.#policy = policy;
    this.#onRefused = onRefused;
  }

  filter(batch: readonly Instruction[]): TargetFiltered {
    const forward: Uint8Array[] = [];
    const replies: Uint8Array[] = [];
    for (const instruction of batch) {
      if (this.#passes(instruction)) forward.push(instruction.raw);
      else replies.push(...this.#answer(instruction));
    }
    return { forward, replies };
  }

  #passes({ opcode, args }: Instruction): boolean {
    if (opcode === 'size') return isScreenSize(args);
    if (passing.has(opcode)) return true;
    if (opcode === 'blob') return this.#count(args[0] ?? '', (args[1] ?? '').length);
    if (opcode === 'end') return this.#open.delete(args[0] ?? '');
    const place = openers.get(opcode);
    return place !== undefined && this.#opens(opcode, args[place] ?? '', args[2] ?? '');
  }

  #opens(opcode: string, index: string, name: string): boolean {
    this.#open.delete(index);
    if (opcode === 'clipboard' && this.#policy.disableCopy) return false;
    if (opcode === 'argv' && !terminalArgument(name)) return false;
    if (this.#open.size >= maxStreams) return false;
    const clipboard = opcode === 'clipboard';
    this.#open.set(index, { clipboard, left: clipboard ? maxClipboardText : Infinity });
    return true;
  }

  #count(index: string, length: number): boolean {
    const stream = this.#open.get(index);
    if (!stream) return false;
    stream.left -= length;
    return stream.left >= 0;
  }

  /** Without an answer guacd may wait on a stream for ever. */
  #answer({ opcode, args }: Instruction): Uint8Array[] {
    if (opcode === 'blob' || opcode === 'end' || opcode === 'nop') return [];
    this.#onRefused(opcode);
    const place = openers.get(opcode) ?? refusedOpeners.get(opcode);
    const index = place === undefined ? undefined : args[place];
    if (index === undefined || !/^\d{1,10}$/.test(index)) return [];
    this.#open.delete(index);
    return [encodeInstructionBytes('ack', index, 'not allowed here', clientForbidden)];
  }
}

/** A VNC server names any size, and guacd passes it on: the page would take memory for it. */
function isScreenSize([index = '', width = '', height = '']: readonly string[]): boolean {
  return layer(index) && side(width) && side(height) && Number(width) * Number(height) <= mostPixels;
}

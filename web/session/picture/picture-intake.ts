import type * as Guacamole from '@glokon/guacamole-common-js';
import { concat } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import type { Instruction } from '../../../protocol/guacamole/instruction.ts';
import { PictureFilter } from '../../../protocol/guacamole/picture-filter.ts';
import { limits } from '../../../protocol/limits.ts';
import { costOf, costOfPicture } from './picture-cost.ts';
import { PictureDecoding } from './picture-decoding.ts';
import { PicturePace } from './picture-pace.ts';

export interface IntakeTargets {
  /** The client's, for one instruction. */
  readonly instruction: (opcode: string, args: string[]) => void;
  /** So many bytes are used up. */
  readonly consumed: (bytes: number) => void;
  /** Nothing more is taken in: by what code the session is over. */
  readonly failed: (code: string) => void;
}

/** Chunks that one frame is made of at most: as many as wait to be drawn. */
const mostTogether = 8;
/** Said by a gateway for itself, and no part of the picture. */
const beside: ReadonlySet<string> = new Set(['error', 'nop']);

/**
 * What comes of a session's picture, on its way to the display. A gateway lets nothing through that a page could not bear
 * (protocol/guacamole/picture-filter.ts). Whether it does, the page judges by the same rules: one that was overtaken, with a
 * guacd that was, can end its session by what it sends, and harm no other. Nor is more taken in than is drawn.
 */
export class PictureIntake {
  readonly #targets: IntakeTargets;
  #decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
  #filter: PictureFilter;
  readonly #pace: PicturePace;
  readonly #decoding: PictureDecoding;
  readonly #chunks: Uint8Array[] = []; // no more than the stream's credit
  #instructions: { readonly list: readonly Instruction[]; next: number; readonly bytes: number } | null =
    null;
  #pumping = false;
  #over = false;

  constructor(
    display: Guacamole.Display,
    targets: IntakeTargets,
    filter = new PictureFilter({ disableCopy: false, sound: true }), // what is copied is the session's to keep back
  ) {
    this.#targets = targets;
    this.#filter = filter;
    const broken = () => this.#fail('picture-broken');
    this.#pace = new PicturePace(display, {
      onRoom: () => this.#pump(),
      onStandstill: () => this.#fail('picture-stuck'),
    });
    this.#decoding = new PictureDecoding(display, this.#pace, broken);
  }

  /** Bytes of the stream, in order; kept until they are used up. Of what comes together one frame is made. */
  take(parts: readonly Uint8Array[]): void {
    if (this.#over) return;
    for (const bytes of parts) this.#keep(bytes);
    this.#pump();
  }

  /** All that came is handed over, and ends with an instruction. */
  get whole(): boolean {
    return this.#decoder.buffered === 0 && this.#chunks.length === 0 && this.#instructions === null;
  }

  /** By what is judged from here on; null within a stream. */
  copyFilter(): PictureFilter | null {
    return this.#filter.copy();
  }

  /** What comes next is the beginning of another picture, or goes on from a state of before. */
  startAnew(filter: PictureFilter): void {
    this.#decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
    this.#filter = filter;
    this.#chunks.length = 0;
    this.#instructions = null;
  }

  close(): void {
    this.#over = true;
    this.#chunks.length = 0;
    this.#instructions = null;
    this.#pace.close();
  }

  /** Crumbs are put together: each by itself takes more to keep than it is long. */
  #keep(bytes: Uint8Array): void {
    const last = this.#chunks.at(-1);
    if (last === undefined || last.length + bytes.length > limits.framePayload) this.#chunks.push(bytes);
    else this.#chunks[this.#chunks.length - 1] = concat(last, bytes);
  }

  /** Room may come while something is handed over, from a display that draws at once. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (!this.#over && !this.#pace.full && this.#more()) this.#handOver();
    } catch {
      // Whatever the decoder refuses, or the client stumbles over, was not what a gateway sends.
      this.#fail('guacamole-malformed');
    } finally {
      this.#pumping = false;
    }
  }

  /** Whether there is an instruction to be handed over. */
  #more(): boolean {
    while (this.#instructions === null && this.#chunks.length > 0) {
      const chunks = this.#chunks.splice(0, mostTogether);
      const list = ofOneFrame(chunks.flatMap((chunk) => this.#decoder.decode(chunk)));
      this.#instructions = { list, next: 0, bytes: chunks.reduce((sum, { length }) => sum + length, 0) };
      this.#finishChunks();
    }
    return this.#instructions !== null;
  }

  #handOver(): void {
    const reading = this.#instructions;
    const instruction = reading?.list[reading.next];
    if (!reading || !instruction) return;
    reading.next++;
    this.#carryOut(instruction);
    this.#finishChunks();
  }

  #finishChunks(): void {
    const reading = this.#instructions;
    if (reading === null || reading.next < reading.list.length) return;
    this.#instructions = null;
    this.#targets.consumed(reading.bytes);
  }

  #carryOut(instruction: Instruction): void {
    const { opcode, args } = instruction;
    const pixels = opcode === 'end' ? this.#filter.pixelsOf(args[0] ?? '') : 0;
    if (!beside.has(opcode) && !this.#filter.admits(instruction))
      throw new ProtocolError('guacamole-malformed', 'no gateway sends this');
    this.#decoding.announced = pixels;
    this.#targets.instruction(opcode, [...args]);
    if (opcode !== 'sync') this.#pace.handed(costOf(instruction) + costOfPicture(pixels));
  }

  #fail(code: string): void {
    if (this.#over) return;
    this.close();
    this.#targets.failed(code);
  }
}

/** The display shows one frame for each of the browser's, so of several that came together the last one alone is one. */
function ofOneFrame(instructions: readonly Instruction[]): readonly Instruction[] {
  const last = instructions.findLastIndex(({ opcode }) => opcode === 'sync');
  return instructions.filter(({ opcode }, at) => opcode !== 'sync' || at === last);
}

import { equal, type Bytes } from '../bytes.ts';
import { toProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { RecordingChunk, RecordingClosing, RecordingOpening } from '../messages/gen/recording_pb.js';
import {
  chainAfter,
  chainOfOpening,
  unfinishedReasons,
  verifyChunk,
  verifyClosing,
  verifyOpening,
} from '../signed/recording.ts';
import type { RecordingPart } from './recording-file.ts';

/** What is wrong with a recording. protocol.md §25.8 says when each is found. */
export const recordingFaults = [
  'no-opening',
  'forged-opening',
  'wrong-gateway',
  'changed-chunk',
  'foreign-session',
  'missing-chunk',
  'repeated-chunk',
  'reordered-chunk',
  'spliced',
  'after-the-end',
  'not-closed',
  'forged-closing',
  'truncated',
  'no-last-chunk',
] as const;

export type RecordingFault = (typeof recordingFaults)[number];

export interface FoundFault {
  readonly fault: RecordingFault;
  /** Of the chunk; null where it is no chunk's. */
  readonly index: number | null;
}

/** More than these are not told apart: a recording with a hundred faults has one more. */
const mostFaults = 100;

/**
 * Judges a recording without its key: whether it is complete, in order, and signed by one gateway from its first word to
 * its last. Feed it the parts in the order of the file, then ask for `end`.
 */
export class RecordingVerifier {
  readonly #expectedKey: Uint8Array | null;
  readonly #faults: FoundFault[] = [];
  readonly #seen = new Set<number>();
  #opening: RecordingOpening | null = null;
  #closing: RecordingClosing | null = null;
  #chain: Bytes | null = null;
  #last = -1;
  #expected = 0; // one more than the highest place that was seen
  #count = 0;
  #finalAt: number | null = null;
  #closingCame = false;

  /** `gatewayKey`: 65 bytes as the vault pins it; null: the file's own word is taken, and told. */
  constructor(gatewayKey: Uint8Array | null) {
    this.#expectedKey = gatewayKey;
  }

  get opening(): RecordingOpening | null {
    return this.#opening;
  }

  get closing(): RecordingClosing | null {
    return this.#closing;
  }

  /** Chunks that came and are the gateway's. */
  get chunks(): number {
    return this.#count;
  }

  /** Whether this part may be believed: a chunk with a fault of its own is not to be shown. */
  async take(part: RecordingPart): Promise<boolean> {
    const before = this.#faults.length;
    if (this.#closingCame) this.#found('after-the-end');
    else if (part.kind === 'opening') await this.#takeOpening(part.signed);
    else if (this.#opening === null) this.#found('no-opening');
    else if (part.kind === 'chunk') await this.#takeChunk(this.#opening, part.chunk);
    else await this.#takeClosing(this.#opening, part.signed);
    return this.#faults.length === before;
  }

  /** Everything that is wrong, none when all is well. `whole`: the file did not end inside a part. */
  end(whole: boolean): readonly FoundFault[] {
    if (this.#opening === null && this.#faults.length === 0) this.#found('no-opening');
    if (!whole) this.#found('truncated');
    for (let index = 0; index < this.#expected && this.#faults.length < mostFaults; index++)
      if (!this.#seen.has(index)) this.#found('missing-chunk', index);
    if (this.#opening !== null && !this.#closingCame) this.#found('not-closed');
    if (this.#closing !== null) this.#judgeEnd(this.#closing);
    return this.#faults;
  }

  async #takeOpening(signed: Bytes): Promise<void> {
    if (this.#opening !== null) return this.#found('after-the-end');
    try {
      this.#opening = await verifyOpening(signed);
    } catch (error) {
      return this.#foundOf(error, 'forged-opening');
    }
    this.#chain = chainOfOpening(signed);
    if (this.#expectedKey !== null && !equal(this.#expectedKey, this.#opening.gatewayKey))
      this.#found('wrong-gateway');
  }

  async #takeChunk(opening: RecordingOpening, chunk: RecordingChunk): Promise<void> {
    const { index } = chunk;
    if (!equal(chunk.sessionUid, opening.sessionUid)) return this.#found('foreign-session', index);
    try {
      await verifyChunk(opening.gatewayKey, chunk);
    } catch (error) {
      this.#pass(index, null);
      return this.#foundOf(error, 'changed-chunk', index);
    }
    if (this.#seen.has(index)) return this.#found('repeated-chunk', index);
    if (index < this.#expected) this.#found('reordered-chunk', index);
    if (index === this.#last + 1 && this.#chain !== null && !equal(chunk.previous, this.#chain))
      this.#found('spliced', index);
    if (this.#finalAt !== null && index > this.#finalAt) this.#found('after-the-end', index);
    if (chunk.final) this.#finalAt = index;
    this.#count++;
    this.#pass(index, chainAfter(chunk));
  }

  /** Comes to the place of a chunk, whatever is there. After one that was changed the chain cannot be told. */
  #pass(index: number, chain: Bytes | null): void {
    if (index >= limits.recording.chunks) return;
    this.#seen.add(index);
    this.#last = index;
    this.#chain = chain;
    this.#expected = Math.max(this.#expected, index + 1);
  }

  async #takeClosing(opening: RecordingOpening, signed: Bytes): Promise<void> {
    this.#closingCame = true;
    try {
      const closing = await verifyClosing(opening.gatewayKey, signed);
      if (!equal(closing.sessionUid, opening.sessionUid)) return this.#found('foreign-session');
      this.#closing = closing;
    } catch (error) {
      this.#foundOf(error, 'forged-closing');
    }
  }

  #judgeEnd({ chunkCount, chain, reason }: RecordingClosing): void {
    const faultless = this.#faults.length === 0;
    if (this.#expected < chunkCount) this.#found('truncated', this.#expected);
    else if (this.#expected > chunkCount) this.#found('after-the-end', chunkCount);
    else if (faultless && this.#chain !== null && !equal(chain, this.#chain)) this.#found('spliced');
    const ended = this.#finalAt === chunkCount - 1;
    if (faultless && this.#expected === chunkCount && !ended && !unfinishedReasons.includes(reason))
      this.#found('no-last-chunk');
  }

  #foundOf(error: unknown, fault: RecordingFault, index: number | null = null): void {
    if (toProtocolError(error) === null) throw error;
    this.#found(fault, index);
  }

  #found(fault: RecordingFault, index: number | null = null): void {
    if (this.#faults.length < mostFaults) this.#faults.push({ fault, index });
  }
}

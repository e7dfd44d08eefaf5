import { equal, type Bytes } from '../../../protocol/bytes.ts';
import { toProtocolError } from '../../../protocol/errors.ts';
import type { RecordingChunk, RecordingOpening } from '../../../protocol/messages/gen/recording_pb.js';
import type { RecordingFault } from '../../../protocol/recording/verifier.ts';
import { chainAfter, verifyChunk } from '../../../protocol/signed/recording.ts';

/**
 * Judges single chunks, whatever was read before: what is wrong with one by itself is found here, the order of all by the
 * verifier. protocol.md §25.8.
 */
export class ChunkJudge {
  readonly #opening: RecordingOpening;
  /** The chain after chunks that hold. */
  readonly #chains = new Map<number, Bytes>();

  /** `start`: the chain after the opening. */
  constructor(opening: RecordingOpening, start: Bytes) {
    this.#opening = opening;
    this.#chains.set(-1, start);
  }

  /** What is wrong with what the server gave for that place; null: nothing. */
  async judge(index: number, chunk: RecordingChunk | null): Promise<RecordingFault | null> {
    if (chunk === null) return 'missing-chunk';
    if (!equal(chunk.sessionUid, this.#opening.sessionUid)) return 'foreign-session';
    try {
      await verifyChunk(this.#opening.gatewayKey, chunk);
    } catch (error) {
      if (toProtocolError(error) === null) throw error;
      return 'changed-chunk';
    }
    if (chunk.index !== index) return 'reordered-chunk';
    const chain = this.#chains.get(index - 1);
    if (chain && !equal(chain, chunk.previous)) return 'spliced';
    this.#chains.set(index, chainAfter(chunk));
    return null;
  }
}

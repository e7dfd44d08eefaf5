import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Bytes } from '../bytes.ts';
import type { Signer } from '../crypto/ecdsa.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import {
  RecordingChunkSchema,
  RecordingTrack,
  type RecordingChunk,
  type RecordingOpeningSchema,
} from '../messages/gen/recording_pb.js';
import {
  chainOfOpening,
  linkChunk,
  signClosing,
  signOpening,
  type ChunkHeader,
} from '../signed/recording.ts';
import { sealChunk } from './chunk.ts';
import type { RecordingKeys } from './recording-key.ts';

type Opening = Omit<MessageInitShape<typeof RecordingOpeningSchema>, 'version' | 'gatewayKey' | '$typeName'>;

/** Where a recording stands: enough to close it, also after a restart. */
export interface RecordingState {
  readonly sessionUid: Uint8Array;
  readonly count: number;
  readonly chain: Bytes;
  readonly lengthMs: number;
  /** Chunks of the text among them; null: nobody counted. */
  readonly textChunks: number | null;
}

/** Writes one recording, from its opening to its closing, each link after the one before. protocol.md §25. */
export class RecordingWriter {
  /** Encoded SignedRecordingStatement. */
  readonly opening: Bytes;
  readonly #device: Signer;
  readonly #keys: RecordingKeys;
  #state: RecordingState;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(opening: Bytes, state: RecordingState, device: Signer, keys: RecordingKeys) {
    this.opening = opening;
    this.#state = state;
    this.#device = device;
    this.#keys = keys;
  }

  /** Signs the opening. `keys`: of what its `wrappedKey` holds. */
  static async begin(device: Signer, keys: RecordingKeys, said: Opening): Promise<RecordingWriter> {
    const opening = await signOpening(device, said);
    const sessionUid = said.sessionUid ?? new Uint8Array(0);
    const state = { sessionUid, count: 0, chain: chainOfOpening(opening), lengthMs: 0, textChunks: 0 };
    return new RecordingWriter(opening, state, device, keys);
  }

  get state(): RecordingState {
    return this.#state;
  }

  /**
   * The next chunk, of entries that were encoded and deflated. Calls may overlap: chunks come in the order of the calls.
   * Throws `limit-reached` past limits.recording.chunks.
   */
  add(header: Omit<ChunkHeader, 'sessionUid' | 'index'>, deflated: Bytes): Promise<RecordingChunk> {
    const made = this.#last.then(() => this.#add(header, deflated));
    this.#last = made.catch(() => undefined); // who called hears of it
    return made;
  }

  /** The signed closing, after every chunk that was added. */
  async close(reason: string, endedAtMs: number, lengthMs: number): Promise<Bytes> {
    await this.#last;
    return await closeRecording(this.#device, { ...this.#state, lengthMs }, reason, endedAtMs);
  }

  async #add(said: Omit<ChunkHeader, 'sessionUid' | 'index'>, deflated: Bytes): Promise<RecordingChunk> {
    const { sessionUid, count: index, chain: previous } = this.#state;
    if (index >= limits.recording.chunks) throw new ProtocolError('limit-reached', 'the recording is full');
    const header = { ...said, sessionUid, index };
    const ofIndex = header.track === RecordingTrack.INDEX;
    const key = ofIndex ? this.#keys.index : this.#keys.content;
    const sealed = await sealChunk(key, header, deflated);
    const link = { ...header, previous, sealed };
    const { signature, chain } = await linkChunk(this.#device, link);
    const lengthMs = Math.max(this.#state.lengthMs, said.endMs);
    const ofText = header.track === RecordingTrack.TEXT;
    const textChunks = (this.#state.textChunks ?? 0) + (ofText ? 1 : 0);
    this.#state = { sessionUid, count: index + 1, chain, lengthMs, textChunks };
    return create(RecordingChunkSchema, { ...link, signature });
  }
}

/** The signed closing of a recording that stands there. */
export function closeRecording(
  device: Signer,
  { sessionUid, count: chunkCount, chain, lengthMs, textChunks }: RecordingState,
  reason: string,
  endedAtMs: number,
): Promise<Bytes> {
  const closing = { sessionUid, chunkCount, chain, lengthMs, endedAtMs: BigInt(endedAtMs), reason };
  return signClosing(device, textChunks === null ? closing : { ...closing, textChunks });
}

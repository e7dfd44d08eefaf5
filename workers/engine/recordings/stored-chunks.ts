import { create } from '@bufbuild/protobuf';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  RecordingChunkSchema,
  RecordingService,
  RecordingTrack,
  type RecordingChunk,
  type StoredRecording,
} from '../../../protocol/messages/gen/recording_pb.js';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { Clock } from '../clock.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { patiently } from '../files/patience.ts';

/** What playing and checking read twice is fetched once, as long as it is near. */
const mostKept = 48 * 1024 * 1024;
/** Somebody is waiting: a minute of an absent server is enough. */
const tries = 8;

export interface ChunkParts {
  readonly session: VaultSession;
  readonly clock: Clock;
  /** Ends with the recording, or when the vault is locked. */
  readonly signal: AbortSignal;
}

/** What is in clear of the chunks, as the server lists it; none of it is believed until its chunk is here. */
export interface ListedChunks {
  readonly stored: StoredRecording;
  readonly headers: readonly RecordingChunk[];
}

/** Asks for the recording and the headers of its chunks, or of one track's. The server counts it as an opening. */
export async function listChunks(
  parts: ChunkParts,
  sessionUid: Uid,
  track = RecordingTrack.UNSPECIFIED,
): Promise<ListedChunks> {
  const headers: RecordingChunk[] = [];
  for (let from = 0; ;) {
    const answer = await ask(parts, () =>
      parts.session.call(RecordingService.method.getRecording, {
        sessionUid: uidBytes(sessionUid),
        ...{ from, track },
      }),
    );
    if (!answer.recording) throw new ProtocolError('malformed', 'no recording');
    headers.push(...answer.headers);
    const next = (answer.headers.at(-1)?.index ?? -1) + 1;
    const done = answer.headers.length === 0 || next >= answer.recording.chunkCount;
    if (done) return { stored: answer.recording, headers };
    if (next <= from || headers.length > limits.recording.chunks)
      throw new ProtocolError('malformed', 'the list of chunks does not move');
    from = next;
  }
}

/** Chunks of one recording as the server has them, sealed. The last ones are kept, up to 48 MiB. */
export class StoredChunks {
  readonly #parts: ChunkParts;
  readonly #sessionUid: Uid;
  readonly #kept = new Map<number, RecordingChunk>();
  readonly #coming = new Map<number, Promise<RecordingChunk | null>>();
  #keptBytes = 0;

  constructor(parts: ChunkParts, sessionUid: Uid) {
    this.#parts = parts;
    this.#sessionUid = sessionUid;
  }

  /** Whatever the server gives for that place; null: it has none. Throws when it does not answer, and `cancelled`. */
  async get(index: number): Promise<RecordingChunk | null> {
    const kept = this.#kept.get(index);
    if (kept) return kept;
    const coming = this.#coming.get(index) ?? this.#fetch(index);
    this.#coming.set(index, coming);
    return await coming;
  }

  /** Sealed bytes that are kept. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  clear(): void {
    this.#kept.clear();
    this.#keptBytes = 0;
  }

  async #fetch(index: number): Promise<RecordingChunk | null> {
    const sessionUid = uidBytes(this.#sessionUid);
    const { session } = this.#parts;
    try {
      const { chunk } = await ask(this.#parts, () =>
        session.call(RecordingService.method.getRecordingChunk, { sessionUid, index }),
      );
      if (!chunk) return null;
      const known = onlyKnown(chunk);
      this.#keep(index, known);
      return known;
    } catch (error) {
      if (toProtocolError(error)?.code === 'not-found') return null;
      throw error;
    } finally {
      this.#coming.delete(index);
    }
  }

  #keep(index: number, chunk: RecordingChunk): void {
    this.#kept.set(index, chunk);
    this.#keptBytes += chunk.sealed.length;
    for (const [oldest, { sealed }] of this.#kept) {
      if (this.#keptBytes <= mostKept) return;
      this.#kept.delete(oldest);
      this.#keptBytes -= sealed.length;
    }
  }
}

function ask<T>({ clock, signal }: ChunkParts, attempt: () => Promise<T>): Promise<T> {
  return patiently({ clock, signal, tries }, attempt);
}

/** Of a chunk there is one encoding (protocol.md §25.7): what the server added to it is no part of it. */
function onlyKnown(chunk: RecordingChunk): RecordingChunk {
  const { sessionUid, index, track, startMs, endMs, keyFrame, final, previous, sealed, signature } = chunk;
  const said = { sessionUid, index, track, startMs, endMs, keyFrame, final, previous, sealed, signature };
  return create(RecordingChunkSchema, said);
}

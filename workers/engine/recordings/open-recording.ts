import type { RecordedPicture, RecordingHit, RecordingSurvey, TranscriptLine } from '../../api.ts';
import { copy, type Bytes } from '../../../protocol/bytes.ts';
import type { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { toProtocolError } from '../../../protocol/errors.ts';
import type { RecordingTrack } from '../../../protocol/messages/gen/recording_pb.js';
import {
  type RecordingChunk,
  type RecordingOpening,
  type StoredRecording,
} from '../../../protocol/messages/gen/recording_pb.js';
import { openChunk } from '../../../protocol/recording/chunk.ts';
import { encodeFileStart, encodePart } from '../../../protocol/recording/recording-file.ts';
import { describeFault } from '../../../protocol/recording/fault-words.ts';
import { chainOfOpening } from '../../../protocol/signed/recording.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { ChunkJudge } from './chunk-judge.ts';
import { linesUntil, searchLines } from './line-search.ts';
import { pictureOf, withoutPicture } from './recorded-picture.ts';
import { StoredChunks, type ChunkParts } from './stored-chunks.ts';
import { Survey } from './survey.ts';

export type Told = (done: number, of: number) => void;

export interface OpenParts {
  readonly stored: StoredRecording;
  readonly opening: RecordingOpening;
  /** What this vault pinned for the gateway; null: the recording's own word is taken. */
  readonly pinnedKey: Bytes | null;
  readonly key: SymmetricKey;
  readonly chunks: ChunkParts;
  /** As the closing, else the server's list says. */
  readonly count: number;
  readonly lengthMs: number;
  /** Empty for who is in no roster. */
  readonly emailOf: (accountUid: Uid) => string;
  /** The track that the picture is drawn from; null: there is none. */
  readonly pictureTrack: RecordingTrack | null;
}

/** Chunks on their way at once. */
const ahead = 4;

/** One recording while somebody looks at it: its key is here and goes with it. */
export class OpenRecording {
  readonly #parts: OpenParts;
  readonly #chunks: StoredChunks;
  readonly #judge: ChunkJudge;
  readonly #survey: Survey;
  #surveyed: Promise<RecordingSurvey> | null = null;
  #listeners: Told[] = [];
  #done = 0;

  constructor(parts: OpenParts) {
    const { opening, stored, chunks, key, pinnedKey, lengthMs, emailOf } = parts;
    this.#parts = parts;
    this.#chunks = new StoredChunks(chunks, uidOf(opening.sessionUid));
    this.#judge = new ChunkJudge(opening, chainOfOpening(stored.opening));
    const accountUid = uidOf(opening.accountUid);
    this.#survey = new Survey({ key, pinnedKey, lengthMs, accountUid, emailOf });
  }

  get recordUid(): Uid {
    return uidOf(this.#parts.opening.recordUid);
  }

  /** Nothing but the fault, of a chunk that has one. */
  async readPicture(index: number): Promise<RecordedPicture> {
    const chunk = await this.#chunks.get(index);
    const fault = await this.#judge.judge(index, chunk);
    if (fault !== null || chunk === null)
      return withoutPicture(index, describeFault({ fault: fault ?? 'missing-chunk', index }));
    if (chunk.track !== this.#parts.pictureTrack) return withoutPicture(index, null);
    try {
      return pictureOf(index, chunk.keyFrame, await openChunk(this.#parts.key, chunk));
    } catch (error) {
      if (toProtocolError(error) === null) throw error;
      return withoutPicture(index, `chunk ${index}: does not open`);
    }
  }

  /** Reads everything once, however often it is asked for; what failed for want of a server is tried again. */
  survey(onProgress: Told): Promise<RecordingSurvey> {
    onProgress(this.#done, this.#parts.count);
    this.#listeners.push(onProgress);
    this.#surveyed ??= this.#read().catch((error: unknown) => {
      this.#surveyed = null;
      this.#listeners = [];
      throw error;
    });
    return this.#surveyed;
  }

  search(query: string): RecordingHit[] {
    const { output, typed } = this.#survey;
    return searchLines(output.lines, typed.lines, query);
  }

  transcript(atMs: number, most: number): readonly TranscriptLine[] {
    return linesUntil(this.#survey.output.lines, atMs, most);
  }

  /** The parts of the file, one after another, as fast as they are taken. */
  async export(onPart: (bytes: Bytes) => Promise<void> | void, onProgress: Told): Promise<void> {
    const { stored, count } = this.#parts;
    await onPart(encodeFileStart());
    await onPart(encodePart({ kind: 'opening', signed: copy(stored.opening) }));
    for (let index = 0; index < count; index++) {
      const chunk = await this.#chunks.get(index);
      if (chunk !== null) await onPart(encodePart({ kind: 'chunk', chunk }));
      onProgress(index + 1, count);
    }
    if (stored.closing.length > 0)
      await onPart(encodePart({ kind: 'closing', signed: copy(stored.closing) }));
  }

  close(): void {
    this.#chunks.clear();
    this.#listeners = [];
  }

  async #read(): Promise<RecordingSurvey> {
    const { stored, count } = this.#parts;
    const survey = this.#survey;
    if (!survey.begun) await survey.takeOpening(copy(stored.opening));
    const coming: Promise<RecordingChunk | null>[] = [];
    for (let index = this.#done; index < count; index++) {
      while (coming.length < ahead && index + coming.length < count)
        coming.push(quietly(this.#chunks.get(index + coming.length)));
      const chunk = await coming.shift();
      if (chunk) await survey.takeChunk(chunk);
      this.#done = index + 1;
      for (const told of this.#listeners) told(this.#done, count);
    }
    if (stored.closing.length > 0) await survey.takeClosing(copy(stored.closing));
    return survey.end(count);
  }
}

/** Whoever awaits it hears of its failure; until then nobody does. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

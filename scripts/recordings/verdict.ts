// What of a downloaded recording may be believed, and with its key what is in it.
import { createReadStream } from 'node:fs';
import { toProtocolError } from '../../protocol/errors.ts';
import {
  RecordingTrack,
  type RecordingChunk,
  type RecordingClosing,
  type RecordingOpening,
} from '../../protocol/messages/gen/recording_pb.js';
import { openChunk } from '../../protocol/recording/chunk.ts';
import type { RecordingEntry } from '../../protocol/recording/entries.ts';
import { RecordingFileReader } from '../../protocol/recording/recording-file.ts';
import { importRecordingKeys } from '../../protocol/recording/recording-key.ts';
import { RecordingVerifier, type FoundFault } from '../../protocol/recording/verifier.ts';

import { uidOf } from '../../protocol/uid.ts';

export interface Question {
  readonly path: string;
  /** 65 bytes: whose recording it must be. Null: the file's own word is shown. */
  readonly gatewayKey: Uint8Array | null;
  /** 32 bytes; null: only what needs no key. */
  readonly recordingKey: Uint8Array<ArrayBuffer> | null;
  /** Gets what opens and may be believed. */
  readonly onEntry?: (entry: RecordingEntry) => void;
}

export interface Verdict {
  readonly opening: RecordingOpening | null;
  readonly closing: RecordingClosing | null;
  readonly chunks: number;
  readonly faults: readonly FoundFault[];
  /** The file is none of this version: nothing of it was read after that place. */
  readonly unreadable: string | null;
  /** Chunks that are the gateway's and do not open under the key. */
  readonly closed: number;
  readonly entries: number;
}

/** Reads the file once, a piece at a time, whatever its length. Throws when it cannot be read at all. */
export async function judgeRecording(question: Question): Promise<Verdict> {
  const { path, gatewayKey, recordingKey } = question;
  const verifier = new RecordingVerifier(gatewayKey);
  const reader = new RecordingFileReader();
  const content = new Content(recordingKey, question.onEntry);
  let unreadable: string | null = null;
  try {
    for await (const bytes of createReadStream(path) as AsyncIterable<Buffer>)
      for (const part of reader.read(bytes)) {
        const believed = await verifier.take(part);
        if (believed && part.kind === 'chunk') await content.take(part.chunk);
      }
  } catch (error) {
    const known = toProtocolError(error);
    if (known === null) throw error;
    unreadable = known.message;
  }
  const faults = verifier.end(reader.whole);
  const { opening, closing, chunks } = verifier;
  return { opening, closing, chunks, faults, unreadable, closed: content.closed, entries: content.entries };
}

class Content {
  closed = 0;
  entries = 0;
  readonly #key: Uint8Array<ArrayBuffer> | null;
  readonly #onEntry: (entry: RecordingEntry) => void;

  constructor(key: Uint8Array<ArrayBuffer> | null, onEntry: (entry: RecordingEntry) => void = () => {}) {
    this.#key = key;
    this.#onEntry = onEntry;
  }

  async take(chunk: RecordingChunk): Promise<void> {
    if (this.#key === null) return;
    try {
      const keys = await importRecordingKeys(this.#key, uidOf(chunk.sessionUid));
      const key = chunk.track === RecordingTrack.INDEX ? keys.index : keys.content;
      for (const entry of await openChunk(key, chunk)) {
        this.entries++;
        this.#onEntry(entry);
      }
    } catch (error) {
      if (toProtocolError(error) === null) throw error;
      this.closed++;
    }
  }
}

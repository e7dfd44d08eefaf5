// What of a downloaded recording may be believed, and with its key what is in it.
import { createReadStream } from 'node:fs';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { toProtocolError } from '../../protocol/errors.ts';
import type {
  RecordingChunk,
  RecordingClosing,
  RecordingOpening,
} from '../../protocol/messages/gen/recording_pb.js';
import { openChunk } from '../../protocol/recording/chunk.ts';
import type { RecordingEntry } from '../../protocol/recording/entries.ts';
import { RecordingFileReader } from '../../protocol/recording/recording-file.ts';
import {
  RecordingVerifier,
  type FoundFault,
  type RecordingFault,
} from '../../protocol/recording/verifier.ts';

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
  const content = new Content(recordingKey && (await SymmetricKey.import(recordingKey)), question.onEntry);
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
  readonly #key: SymmetricKey | null;
  readonly #onEntry: (entry: RecordingEntry) => void;

  constructor(key: SymmetricKey | null, onEntry: (entry: RecordingEntry) => void = () => {}) {
    this.#key = key;
    this.#onEntry = onEntry;
  }

  async take(chunk: RecordingChunk): Promise<void> {
    if (this.#key === null) return;
    try {
      for (const entry of await openChunk(this.#key, chunk)) {
        this.entries++;
        this.#onEntry(entry);
      }
    } catch (error) {
      if (toProtocolError(error) === null) throw error;
      this.closed++;
    }
  }
}

const words: Readonly<Record<RecordingFault, string>> = {
  'no-opening': 'a part comes before the opening, or there is none',
  'forged-opening': 'the opening is not signed by the key that it names',
  'wrong-gateway': 'another gateway signed it than the one that was asked for',
  'changed-chunk': 'changed, or not signed by this gateway',
  'foreign-session': 'of another session',
  'missing-chunk': 'missing',
  'repeated-chunk': 'there twice',
  'reordered-chunk': 'not in its place',
  spliced: 'does not follow from what is before it: of another recording',
  'after-the-end': 'something follows after the end',
  'not-closed': 'there is no closing: the session still runs, or the end was taken away',
  'forged-closing': 'the closing is not signed by this gateway',
  truncated: 'the end is missing',
  'no-last-chunk': 'closed as if it were whole, without a last chunk',
};

/** "chunk 3: missing". */
export function describeFault({ fault, index }: FoundFault): string {
  return index === null ? words[fault] : `chunk ${index}: ${words[fault]}`;
}

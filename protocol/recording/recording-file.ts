import { concat, empty, equal, uint32, utf8, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeCanonical } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { RecordingChunkSchema, type RecordingChunk } from '../messages/gen/recording_pb.js';

/** What a downloaded recording begins with. The last byte before the line's end is its version. */
const magic = utf8('sallyport recording 1\n');
const opening = 1;
const chunk = 2;
const closing = 3;
const headLength = 5;
/** Of a chunk's part beside its sealed bytes, and of a statement. */
const roomOfPart = limits.recording.sealedChunk + 4096;

export type RecordingPart =
  | { readonly kind: 'opening'; readonly signed: Bytes }
  | { readonly kind: 'chunk'; readonly chunk: RecordingChunk }
  | { readonly kind: 'closing'; readonly signed: Bytes };

/** magic, then for each part kind(1) ‖ length(4) ‖ bytes. protocol.md §25.7. */
export function encodeFileStart(): Bytes {
  return concat(magic);
}

export function encodePart(part: RecordingPart): Bytes {
  const [code, bytes] =
    part.kind === 'chunk'
      ? [chunk, encodeMessage(RecordingChunkSchema, part.chunk)]
      : [part.kind === 'opening' ? opening : closing, part.signed];
  return concat(Uint8Array.of(code), uint32(bytes.length), bytes);
}

/** Reads a recording that comes in pieces, cut anywhere. Judges nothing but its layout. */
export class RecordingFileReader {
  #held: Bytes = empty;
  #at = 0; // of what is held, what has been read
  #begun = false;

  /** Whether the file ends where a part does, after its beginning. */
  get whole(): boolean {
    return this.#begun && this.#held.length === 0;
  }

  /** The parts that these bytes complete. Throws `unsupported-version`, `malformed` or `too-large`. */
  read(bytes: Uint8Array): RecordingPart[] {
    this.#held = concat(this.#held, bytes);
    const parts: RecordingPart[] = [];
    if (this.#begin()) for (let part = this.#next(); part !== null; part = this.#next()) parts.push(part);
    this.#held = this.#held.slice(this.#at);
    this.#at = 0;
    return parts;
  }

  #begin(): boolean {
    if (this.#begun) return true;
    const length = Math.min(magic.length, this.#held.length);
    if (!equal(this.#held.subarray(0, length), magic.subarray(0, length)))
      throw new ProtocolError('unsupported-version', 'not a recording of this version');
    this.#begun = length === magic.length;
    if (this.#begun) this.#at = length;
    return this.#begun;
  }

  #next(): RecordingPart | null {
    const left = this.#held.length - this.#at;
    if (left < headLength) return null;
    const length = new DataView(this.#held.buffer).getUint32(this.#at + 1);
    if (length > roomOfPart) throw new ProtocolError('too-large');
    if (left < headLength + length) return null;
    const begin = this.#at + headLength;
    const part = partOf(this.#held[this.#at] ?? 0, this.#held.slice(begin, begin + length));
    this.#at = begin + length;
    return part;
  }
}

/** Of one recording there is one file: another encoding of the same chunk is refused. Throws `malformed`. */
function partOf(code: number, bytes: Bytes): RecordingPart {
  if (code === chunk) return { kind: 'chunk', chunk: decodeCanonical(RecordingChunkSchema, bytes) };
  if (code === opening) return { kind: 'opening', signed: bytes };
  if (code === closing) return { kind: 'closing', signed: bytes };
  throw new ProtocolError('malformed', 'not a part of a recording');
}

import { ByteReader, concat, encodeBase64, uint32, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { encodeInstructionBytes } from '../guacamole/instruction.ts';
import { deflateRows, pngChunk, type TakenPng } from './taken-png.ts';

/** How an image is kept: its file as it is, or a PNG whose rows are not deflated. */
const [asFile, asRows] = [0, 1];
/** Bytes of an entry before the file: stream(4) ‖ form(1). */
const imageHeadBytes = 5;
/** What deflate makes of the rows of a desktop, often. */
const rowsRatio = 16;
/** Of a file, in one instruction: as much as guacd puts there. */
const blobBytes = 6_048;

export type ImageEntry =
  | { readonly stream: number; readonly file: Uint8Array }
  | { readonly stream: number; readonly png: TakenPng };

/** stream(4) ‖ 0 ‖ file, or stream(4) ‖ 1 ‖ length(4) ‖ head ‖ length(4) ‖ tail ‖ rows. protocol.md §25.15. */
export function encodeImageEntry(image: ImageEntry): Bytes {
  if ('file' in image) return concat(uint32(image.stream), Uint8Array.of(asFile), image.file);
  const { head, tail, rows } = image.png;
  const [headLength, tailLength] = [uint32(head.length), uint32(tail.length)];
  return concat(uint32(image.stream), Uint8Array.of(asRows), headLength, head, tailLength, tail, rows);
}

/** Roughly the bytes of its file, by the bytes of its entry alone. */
export function imageWeight(bytes: Uint8Array): number {
  return bytes[imageHeadBytes - 1] === asRows ? Math.ceil(bytes.length / rowsRatio) : bytes.length;
}

/** Inverse of {@link encodeImageEntry}. Throws `malformed` for another form, and for one that is cut. */
export function decodeImageEntry(bytes: Uint8Array): ImageEntry {
  const reader = new ByteReader(bytes);
  const stream = reader.uint32();
  const form = reader.byte();
  if (form === asFile) return { stream, file: reader.take(reader.remaining) };
  if (form !== asRows) throw new ProtocolError('malformed', 'no form of an image');
  const head = reader.take(reader.uint32());
  const tail = reader.take(reader.uint32());
  return { stream, png: { head, tail, rows: reader.take(reader.remaining) } };
}

/** The instructions that bring the image's bytes: of a PNG the same pixels, in a file of another length maybe. Throws `malformed`. */
export async function openImageEntry(bytes: Uint8Array): Promise<Bytes> {
  const image = decodeImageEntry(bytes);
  const file = 'file' in image ? image.file : await fileOf(image.png);
  const blobs: Uint8Array[] = [];
  for (let at = 0; at < file.length; at += blobBytes)
    blobs.push(encodeInstructionBytes('blob', image.stream, encodeBase64(file.subarray(at, at + blobBytes))));
  return concat(...blobs);
}

async function fileOf({ head, tail, rows }: TakenPng): Promise<Bytes> {
  return concat(head, pngChunk('IDAT', await deflateRows(rows)), tail);
}

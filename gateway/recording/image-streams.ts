/** Of a picture, in its order: instructions as they are, or the bytes of an image in the place of those that bring it. */
export type PicturePiece =
  | { readonly kind: 'instructions'; readonly bytes: Uint8Array }
  | { readonly kind: 'image'; readonly stream: number; readonly file: Uint8Array };

/** A larger file stays in its instructions, which may be in several chunks. */
const mostFileBytes = 896 * 1024;
/** Of all images that have no end yet, as base64, with what is kept of each blob beside its bytes. */
const mostHeldBytes = 2 * 1024 * 1024;
const blobOverhead = 256;
const imgHead = /^3\.img,\d+\.(0|[1-9]\d{0,8}),/;
const endHead = /^3\.end,\d+\.(0|[1-9]\d{0,8});/;
const blobHead = /^4\.blob,\d+\.(0|[1-9]\d{0,8}),\d+\./;
/** All of these is in the first bytes. */
const headBytes = 40;

interface Blob {
  readonly raw: Uint8Array;
  /** Where its base64 begins. */
  readonly from: number;
}

interface OpenImage {
  readonly blobs: Blob[];
  /** Of the instructions, and of what is kept with them. */
  bytes: number;
}

/**
 * Finds the images in a picture. A page draws an image where its stream ends, so its bytes may come there, all at once. Each of what it
 * sees is one whole instruction.
 */
export class ImageStreams {
  readonly #open = new Map<string, OpenImage>();
  #held = 0;

  /** The same picture. Of images whose end has not come nothing is told yet but that they began. */
  take(instructions: readonly Uint8Array[]): PicturePiece[] {
    const pieces: PicturePiece[] = [];
    let plain: Uint8Array[] = [];
    const flush = () => {
      if (plain.length > 0) pieces.push({ kind: 'instructions', bytes: Buffer.concat(plain) });
      plain = [];
    };
    for (const raw of instructions) {
      const head = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.length, headBytes)).toString(
        'latin1',
      );
      if (this.#holds(head, raw, plain)) continue;
      const ended = this.#ended(head);
      const file = ended && fileOf(ended.image);
      if (ended && file === null) plain.push(...ended.image.blobs.map((blob) => blob.raw));
      if (ended && file !== null) {
        flush();
        pieces.push({ kind: 'image', stream: ended.stream, file });
      }
      plain.push(raw);
      this.#begin(head);
    }
    flush();
    return pieces;
  }

  #begin(head: string): void {
    const index = imgHead.exec(head)?.[1];
    if (index === undefined) return;
    this.#forget(index);
    this.#open.set(index, { blobs: [], bytes: 0 });
  }

  /** False: it is to be recorded now. */
  #holds(head: string, raw: Uint8Array, plain: Uint8Array[]): boolean {
    const [begin = '', index = ''] = blobHead.exec(head) ?? [];
    const image = this.#open.get(index);
    if (!image) return false;
    image.blobs.push({ raw: Uint8Array.from(raw), from: begin.length });
    image.bytes += raw.length + blobOverhead;
    this.#held += raw.length + blobOverhead;
    if (image.bytes <= (mostFileBytes / 3) * 4 && this.#held <= mostHeldBytes) return true;
    plain.push(...image.blobs.map((blob) => blob.raw));
    this.#forget(index);
    return true;
  }

  #ended(head: string): { readonly stream: number; readonly image: OpenImage } | null {
    const index = endHead.exec(head)?.[1];
    const image = index === undefined ? undefined : this.#open.get(index);
    if (index === undefined || !image) return null;
    this.#forget(index);
    return { stream: Number(index), image };
  }

  #forget(index: string): void {
    this.#held -= this.#open.get(index)?.bytes ?? 0;
    this.#open.delete(index);
  }
}

/** null: there is nothing of it, or some of it is no base64 as everybody reads it. */
function fileOf({ blobs }: OpenImage): Uint8Array | null {
  const parts: Buffer[] = [];
  for (const { raw, from } of blobs) {
    const text = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1', from, raw.length - 1);
    const part = Buffer.from(text, 'base64');
    if (part.toString('base64') !== text) return null;
    parts.push(part);
  }
  const file = Buffer.concat(parts);
  return file.length === 0 || file.length > mostFileBytes ? null : file;
}

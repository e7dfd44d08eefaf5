// A file of applications in pieces: AES-256-GCM without AAD as `sealLegacyBlob` has it, without the whole file in memory.
import { concat, empty, equal, type Bytes } from '../bytes.ts';
import { aesKeyLength, nonceLength, tagLength } from '../crypto/aes-gcm.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { Ghash } from './ghash.ts';
import { cryptLegacyCounter, importLegacyCounterKey } from './legacy-crypto.ts';

const blockLength = 16;
const pieceLength = limits.secrets.fileChunk;

/** Bytes of the blob of a file of that many bytes. */
export function secretBlobSize(size: number): number {
  return size + nonceLength + tagLength;
}

/**
 * nonce(12) ‖ ciphertext ‖ tag(16) in pieces of 2²⁰ bytes, the last one shorter. `nonce` must be of this content alone: see
 * `secretFileNonceOf`. Pieces come as fast as they are taken; of the content one piece is held at a time.
 */
export async function* sealSecretBlob(
  key: Bytes,
  nonce: Bytes,
  content: AsyncIterable<Bytes>,
): AsyncGenerator<Bytes, void, void> {
  yield* inPieces(sealed(key, nonce, content), pieceLength);
}

async function* sealed(key: Bytes, nonce: Bytes, content: AsyncIterable<Bytes>) {
  const stream = await GcmStream.begin(key, nonce);
  yield nonce;
  for await (const piece of inPieces(content, pieceLength)) {
    const ciphertext = await stream.crypt(piece);
    stream.hash(ciphertext);
    yield ciphertext;
  }
  yield await stream.tag();
}

/**
 * Inverse of {@link sealSecretBlob}, from pieces of any length. What it gives is NOT verified before it has come to its end:
 * keep it away from everybody until then, and forget it when this throws. Throws `open-failed`, at the end.
 */
export async function* openUnverifiedBlob(
  key: Bytes,
  blob: AsyncIterable<Bytes>,
): AsyncGenerator<Bytes, void, void> {
  const cut = new CutEnd(blob);
  const { head, rest } = await takeHead(cut.pieces(), nonceLength);
  if (head.length < nonceLength) throw new ProtocolError('open-failed');
  const stream = await GcmStream.begin(key, head);
  for await (const piece of inPieces(rest, pieceLength)) {
    stream.hash(piece);
    yield await stream.crypt(piece);
  }
  if (!equal(await stream.tag(), cut.end)) throw new ProtocolError('open-failed');
}

/** Counter mode and GHASH of one message (NIST SP 800-38D §7). Pieces are whole blocks, but the last. */
class GcmStream {
  readonly #key: CryptoKey;
  readonly #nonce: Bytes;
  readonly #ghash: Ghash;
  #bytes = 0;
  #hashed = 0;

  private constructor(key: CryptoKey, nonce: Bytes, subkey: Bytes) {
    this.#key = key;
    this.#nonce = nonce;
    this.#ghash = new Ghash(subkey);
  }

  static async begin(raw: Bytes, nonce: Bytes): Promise<GcmStream> {
    if (raw.length !== aesKeyLength || nonce.length !== nonceLength)
      throw new ProtocolError('malformed', 'not a key and a nonce');
    const key = await importLegacyCounterKey(raw);
    const zeros = new Uint8Array(blockLength);
    return new GcmStream(key, nonce, await cryptLegacyCounter(key, zeros, zeros));
  }

  /** Plaintext to ciphertext, or back. */
  async crypt(piece: Bytes): Promise<Bytes> {
    // Block 1 masks the tag; the message begins with block 2.
    const counter = this.#counter(2 + this.#bytes / blockLength);
    this.#bytes += piece.length;
    return await cryptLegacyCounter(this.#key, counter, piece);
  }

  hash(ciphertext: Bytes): void {
    this.#ghash.update(ciphertext);
    this.#hashed += ciphertext.length;
  }

  async tag(): Promise<Bytes> {
    const lengths = new DataView(new ArrayBuffer(blockLength)); // no AAD, then bits of ciphertext
    lengths.setBigUint64(8, BigInt(this.#hashed) * 8n);
    this.#ghash.update(new Uint8Array(lengths.buffer));
    return await cryptLegacyCounter(this.#key, this.#counter(1), this.#ghash.digest());
  }

  #counter(block: number): Bytes {
    const counter = new Uint8Array(blockLength);
    counter.set(this.#nonce);
    new DataView(counter.buffer).setUint32(nonceLength, block);
    return counter;
  }
}

/** Everything but the last 16 bytes, which are `end` once the pieces are over. */
class CutEnd {
  readonly #source: AsyncIterable<Bytes>;
  end: Bytes = empty;

  constructor(source: AsyncIterable<Bytes>) {
    this.#source = source;
  }

  async *pieces(): AsyncGenerator<Bytes, void, void> {
    for await (const piece of this.#source) {
      const all = concat(this.end, piece);
      const whole = Math.max(0, all.length - tagLength);
      this.end = all.slice(whole);
      if (whole > 0) yield all.slice(0, whole);
    }
  }
}

/** The same bytes in pieces of that length, the last one shorter. Nothing at all: no piece. */
async function* inPieces(source: AsyncIterable<Bytes>, length: number): AsyncGenerator<Bytes, void, void> {
  let held: Bytes = empty;
  for await (const bytes of source) {
    held = held.length === 0 ? bytes : concat(held, bytes);
    let from = 0;
    for (; held.length - from >= length; from += length) yield held.slice(from, from + length);
    if (from > 0) held = held.slice(from);
  }
  if (held.length > 0) yield held;
}

/** The first bytes of a stream, fewer when it has no more, and what follows them. */
async function takeHead(source: AsyncGenerator<Bytes, void, void>, length: number) {
  let head: Bytes = empty;
  while (head.length < length) {
    const next = await source.next();
    if (next.done) break;
    head = concat(head, next.value);
  }
  const rest = async function* () {
    if (head.length > length) yield head.slice(length);
    yield* source;
  };
  return { head: head.slice(0, length), rest: rest() };
}

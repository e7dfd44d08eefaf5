// The one part named "file" of a multipart/form-data body (RFC 7578, RFC 2046 §5.1), as the secrets-manager clients send it:
// fields before it, a line break before the first boundary or none, a file name or none. How long the file is was announced
// before, so nothing is searched in it: what follows after so many bytes has to be the boundary.
import { SecretsRefusal } from './refusal.ts';

/** All that comes before the file: some boundaries, headers and fields. */
const mostBefore = 16 * 1024;
/** What may come after it is read so far, and not looked at. */
const mostAfter = 16 * 1024;

const lineBreak = Buffer.from('\r\n');

/** The boundary that a Content-Type names. Throws `bad_request`. */
export function boundaryOf(contentType: string | undefined): string {
  const type = contentType ?? '';
  const found = /^multipart\/form-data\s*(?:;|$)/i.test(type)
    ? /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(type)
    : null;
  const boundary = found?.[1] ?? found?.[2];
  if (boundary === undefined || !/^[\w'()+,./:=? -]*[\w'()+,./:=?-]$/.test(boundary))
    throw refused('The body is no multipart/form-data with a boundary');
  return boundary;
}

/**
 * The file's bytes, in the pieces in which they come: exactly `size` of them. Throws `bad_request` for a body that holds no such
 * file: a shorter or longer one among them, the latter after all of its announced bytes.
 */
export async function* readFilePart(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
  size: number,
): AsyncGenerator<Uint8Array, void, void> {
  const source = new Source(body);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  await skipToFile(source, delimiter);
  for (let left = size; left > 0;) {
    const piece = await source.some(left);
    if (piece === null) throw refused('The file is shorter than announced');
    yield piece;
    left -= piece.length;
  }
  const rest = await source.exactly(delimiter.length);
  if (rest === null || !rest.equals(delimiter)) throw refused('The file is not as long as announced');
  await source.drain(mostAfter);
}

async function skipToFile(source: Source, delimiter: Buffer): Promise<void> {
  await source.until(delimiter);
  for (;;) {
    const rest = (await source.until(lineBreak)).toString('latin1');
    if (rest.trim() !== '') throw refused('The body has no part named "file"');
    if ((await readPartName(source)) === 'file') return;
    await source.until(delimiter);
  }
}

/** By its headers, which it takes all. */
async function readPartName(source: Source): Promise<string | null> {
  let name: string | null = null;
  for (;;) {
    const line = (await source.until(lineBreak)).toString('latin1');
    if (line === '') return name;
    const disposition = /^content-disposition:\s*form-data\s*;(.*)$/i.exec(line)?.[1];
    if (disposition !== undefined) name = nameIn(disposition);
  }
}

function nameIn(parameters: string): string | null {
  const [, quoted, bare] = /(?:^|;)\s*name=(?:"([^"]*)"|([^\s;"]+))/i.exec(parameters) ?? [];
  return quoted ?? bare ?? null;
}

/** Bytes of a stream, with what was read ahead of them; never more than one piece and what is looked for. */
class Source {
  readonly #pieces: AsyncIterator<Uint8Array>;
  /** The first boundary may begin the body: then this is the line break before it. */
  #held: Buffer = lineBreak;
  /** What `until` may still take: it holds what it searches. */
  #before = mostBefore;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#pieces = body[Symbol.asyncIterator]();
  }

  /** What comes before the mark; the mark is taken too. */
  async until(mark: Buffer): Promise<Buffer> {
    for (let from = 0; ;) {
      const at = this.#held.indexOf(mark, from);
      if (at >= 0 && at <= this.#before) {
        this.#before -= at;
        const before = this.#held.subarray(0, at);
        this.#held = this.#held.subarray(at + mark.length);
        return before;
      }
      if (at >= 0 || this.#held.length > this.#before + mark.length)
        throw refused('There is too much before the file');
      from = Math.max(0, this.#held.length - mark.length);
      if (!(await this.#more())) throw refused('The body has no part named "file"');
    }
  }

  /** Between one byte and `most`; null: there are no more. */
  async some(most: number): Promise<Buffer | null> {
    while (this.#held.length === 0) if (!(await this.#more())) return null;
    const taken = this.#held.subarray(0, most);
    this.#held = this.#held.subarray(taken.length);
    return taken;
  }

  /** Null when there are not so many. */
  async exactly(length: number): Promise<Buffer | null> {
    while (this.#held.length < length) if (!(await this.#more())) return null;
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return taken;
  }

  /** To the end: who sends and is not read does not hear an answer. */
  async drain(most: number): Promise<void> {
    let bytes = this.#held.length;
    this.#held = Buffer.alloc(0);
    while (bytes <= most && (await this.#more())) {
      bytes += this.#held.length;
      this.#held = Buffer.alloc(0);
    }
    if (bytes > most) throw refused('The file is longer than announced');
  }

  async #more(): Promise<boolean> {
    const next = await this.#pieces.next();
    if (next.done) return false;
    const piece = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length);
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    return true;
  }
}

function refused(message: string): SecretsRefusal {
  return new SecretsRefusal('bad_request', message);
}

import { concat, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';

/**
 * Raw DEFLATE (RFC 1951) of untrusted length. Throws `malformed` for what is none, is cut or goes on after its end, and
 * `too-large` as soon as more than `most` bytes have come out.
 */
export async function inflate(deflated: Bytes, most: number): Promise<Bytes> {
  const stream = new DecompressionStream('deflate-raw');
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  // Whoever reads hears of the failure too.
  void writer.write(deflated).catch(() => undefined);
  void writer.close().catch(() => undefined);
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new ProtocolError('malformed', 'not deflated bytes');
    });
    if (done) return concat(...parts);
    length += value.length;
    if (length > most) {
      await reader.cancel().catch(() => undefined); // it is thrown away, however it ends
      throw new ProtocolError('too-large');
    }
    parts.push(value);
  }
}

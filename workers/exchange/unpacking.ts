import { concat, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { malformed } from './json-values.ts';

/** Unpacks gzip as it streams, and stops at the bound whatever the file says of its size. Throws `malformed`. */
export async function gunzipWithin(packed: Bytes, most: number): Promise<Bytes> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
    for (const reader = stream.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) return concat(...chunks);
      length += value.length;
      if (length > most) {
        await reader.cancel();
        throw malformed('the file unpacks to more than an import can be');
      }
      chunks.push(value);
    }
  } catch (error) {
    throw error instanceof ProtocolError ? error : malformed('the packed part of the file is damaged');
  }
}

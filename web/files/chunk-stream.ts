import { ProtocolError } from '../../protocol/errors.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { FileView, VaultVerbs } from '../../workers/api.ts';

/** Chunks that are asked for before they are needed. */
const ahead = 3;

export interface ChunkSource {
  readonly verbs: Pick<VaultVerbs, 'readFileChunk'>;
  readonly recordUid: Uid;
  readonly file: FileView;
  readonly signal: AbortSignal;
}

/** The chunks of a file in order. A few are on their way at a time, so that memory does not depend on the file. */
export async function* chunksOf({ verbs, recordUid, file, signal }: ChunkSource) {
  const asked: Promise<Uint8Array<ArrayBuffer>>[] = [];
  const ask = (index: number) => {
    const chunk = verbs.readFileChunk({ recordUid, fileUid: file.fileUid, index });
    chunk.catch(() => undefined); // told to whoever takes it
    asked.push(chunk);
  };
  for (let index = 0; index < Math.min(ahead, file.chunks); index++) ask(index);
  for (let index = 0; index < file.chunks; index++) {
    if (signal.aborted) throw new ProtocolError('cancelled', 'the download was cancelled');
    const chunk = await asked.shift();
    if (index + ahead < file.chunks) ask(index + ahead);
    if (chunk) yield chunk;
  }
}

/** The whole of a small file. */
export async function readWhole(source: ChunkSource): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(source.file.size);
  let at = 0;
  for await (const chunk of chunksOf(source)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

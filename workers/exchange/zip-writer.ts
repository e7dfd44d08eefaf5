import { ZipWriter } from '@zip.js/zip.js/lib/zip-core-native.js';
import { copy } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { ByteSink, ExportedAttachment, ExportSource } from './export-source.ts';
import { jsonParts } from './json-writer.ts';

/** The part with the records; attachments are in `files/`. */
export const zipVaultName = 'vault.json';

/**
 * The vault in clear with attachments as a zip, Zip64 where it must be. Goes through the records twice: once for
 * `vault.json`, once for the files that it names. Throws `conflict` when an attachment is not as long as it said.
 */
export async function exportZip(source: ExportSource, sink: ByteSink): Promise<void> {
  const out = new WritableStream<Uint8Array>({ write: async (chunk) => await sink(copy(chunk)) });
  const zip = new ZipWriter(out, { useWebWorkers: false, dataDescriptor: true });
  await zip.add(zipVaultName, streamOf(jsonParts(source, pathOf)));
  let record = 0;
  for await (const { attachments } of source.records()) {
    for (const [at, attachment] of attachments.entries())
      await zip.add(pathOf(record, at, attachment.name), streamOf(wholeBytes(attachment)));
    record++;
  }
  await zip.close();
}

/** A number makes the path one of its kind; the name is for people who unpack the zip. */
function pathOf(record: number, attachment: number, name: string): string {
  const plain = name
    .replace(/[^\p{L}\p{N} ._()-]/gu, '_')
    .replace(/^[. ]+|[. ]+$/g, '')
    .slice(-100);
  return `files/${record + 1}/${attachment + 1} ${plain || 'file'}`;
}

function streamOf(parts: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = parts[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

async function* wholeBytes({ size, read }: ExportedAttachment): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const bytes of read()) {
    length += bytes.length;
    yield bytes;
  }
  if (length !== size) throw new ProtocolError('conflict', 'an attachment is not as long as its record says');
}

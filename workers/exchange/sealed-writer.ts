import { concat, uint32, utf8, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { encodeExportHeader } from '../../protocol/vault/sealed-export.ts';
import { deriveExportKey, newExportCosts } from './export-derivation.ts';
import type { ByteSink, ExportedAttachment, ExportSource } from './export-source.ts';
import { encodePortable } from './portable-record.ts';
import { dataPart, partKinds } from './sealed-parts.ts';
import { SealedStream } from './sealed-stream.ts';

/**
 * The whole vault with attachments, sealed under the password. Holds one frame and one record at a time. Throws
 * `weak-parameters` for an empty password, `conflict` when an attachment is not as long as it said.
 */
export async function exportSealed(source: ExportSource, password: string, sink: ByteSink): Promise<void> {
  if (password === '') throw new ProtocolError('weak-parameters', 'an encrypted export needs a password');
  const costs = newExportCosts();
  const header = encodeExportHeader(costs);
  const stream = new SealedStream(await deriveExportKey(password, costs), header, sink);
  await sink(header);
  await stream.write(partOf(partKinds.head, utf8(JSON.stringify({ folders: source.folders }))));
  for await (const record of source.records()) {
    await stream.write(partOf(partKinds.record, utf8(encodePortable(record))));
    for (const attachment of record.attachments) await writeAttachment(stream, attachment);
  }
  await stream.end();
}

async function writeAttachment(stream: SealedStream, attachment: ExportedAttachment): Promise<void> {
  let left = attachment.size;
  for await (const bytes of attachment.read()) {
    left -= bytes.length;
    for (let from = 0; left >= 0 && from < bytes.length; from += dataPart)
      await stream.write(partOf(partKinds.data, bytes.slice(from, from + dataPart)));
  }
  if (left !== 0) throw new ProtocolError('conflict', 'an attachment is not as long as its record says');
}

function partOf(kind: number, bytes: Bytes): Bytes {
  return concat(Uint8Array.of(kind), uint32(bytes.length), bytes);
}

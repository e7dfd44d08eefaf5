import { utf8, type Bytes } from '../../protocol/bytes.ts';
import type { ByteSink, ExportSource } from './export-source.ts';
import { encodePortable } from './portable-record.ts';

/** Names the part of an archive for an attachment: number of its record, its number there, its name. */
export type PartName = (record: number, attachment: number, name: string) => string;

/**
 * The vault as JSON in clear: whoever has the file has the vault. One record a line; attachments are named, but their
 * bytes are not in it.
 */
export async function exportJson(source: ExportSource, sink: ByteSink): Promise<void> {
  for await (const part of jsonParts(source)) await sink(part);
}

/** The same, piece by piece, with the parts of an archive that hold the attachments when `nameOf` tells them. */
export async function* jsonParts(source: ExportSource, nameOf?: PartName): AsyncGenerator<Bytes> {
  yield utf8(`{"format":"sallyport","version":1,"folders":${JSON.stringify(source.folders)},"records":[`);
  let index = 0;
  for await (const record of source.records()) {
    const at = index++;
    const text = encodePortable(record, nameOf && ((number, name) => nameOf(at, number, name)));
    yield utf8(`${at === 0 ? '\n' : ',\n'}${text}`);
  }
  yield utf8('\n]}\n');
}

import { Uint8ArrayReader, ZipReader, type FileEntry } from '@zip.js/zip.js/lib/zip-core-native.js';
import { concat, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { exchangeBounds } from './bounds.ts';
import { malformed } from './json-values.ts';

/**
 * A zip archive whose parts are unpacked one by one, each under a bound. [Note: zip bombs] What an entry says about
 * its size is checked first, what really comes out is counted as it comes, all parts of an archive share one budget, and
 * parts that overlap are refused: none of the known bombs gets further than the budget.
 */
export interface ZipArchive {
  readonly names: readonly string[];
  /** The part's bytes, or null when there is none of that name. Throws `malformed`. */
  read(name: string, most?: number): Promise<Bytes | null>;
}

const strict = {
  useWebWorkers: false,
  strictness: 'strict',
  checkOverlappingEntry: true,
  checkSignature: true,
} as const;

/** Throws `malformed` for what is no zip archive, or one that can be read in two ways. */
export async function openZip(bytes: Bytes): Promise<ZipArchive> {
  const files = await entriesOf(bytes);
  let budget: number = exchangeBounds.attachmentBytes + exchangeBounds.textBytes;
  return {
    names: [...files.keys()],
    async read(name, most = exchangeBounds.attachmentBytes) {
      const entry = files.get(name);
      if (entry === undefined) return null;
      const unpacked = await unpack(entry, Math.min(most, budget));
      budget -= unpacked.length;
      return unpacked;
    },
  };
}

async function entriesOf(bytes: Bytes): Promise<ReadonlyMap<string, FileEntry>> {
  const files = new Map<string, FileEntry>();
  try {
    const reader = new ZipReader(new Uint8ArrayReader(bytes), { ...strict, filenameValidation: 'balanced' });
    for await (const entry of reader.getEntriesGenerator()) {
      if (files.size >= exchangeBounds.archiveEntries) throw malformed('the archive has too many parts');
      if (entry.directory) continue;
      if (entry.encrypted) throw malformed('the archive is encrypted with a zip password; unpack it first');
      files.set(entry.filename, entry);
    }
  } catch (error) {
    throw error instanceof ProtocolError ? error : malformed('the file is not a whole zip archive');
  }
  return files;
}

async function unpack(entry: FileEntry, most: number): Promise<Bytes> {
  const tooLarge = () => malformed('a part of the archive is larger than an import can be');
  if (entry.uncompressedSize > most) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const sink = new WritableStream<Uint8Array>({
    write(chunk) {
      length += chunk.length;
      if (length > most) throw tooLarge();
      chunks.push(chunk);
    },
  });
  try {
    await entry.getData(sink, strict);
  } catch (error) {
    throw error instanceof ProtocolError ? error : malformed('a part of the archive is damaged');
  }
  return concat(...chunks);
}

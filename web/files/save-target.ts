import { savedName } from '../../protocol/records/shown-name.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { FileView } from '../../workers/api.ts';

/** Where a download goes, a chunk at a time. */
export interface SaveTarget {
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The file is whole: it is put where the person finds it. */
  finish(): Promise<void>;
  /** Nothing of it stays. */
  drop(): Promise<void>;
}

/** Up to here a file fits into memory without anybody noticing. */
export const mostInMemory = 16 * 1024 * 1024;
const parkingFolder = 'downloads';

interface SavePicker {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<FileSystemFileHandle>;
}

/**
 * Asks where to save a large file, where the browser can ask; else it is written into the browser's own storage and
 * handed to its downloads. Call it in the handler of a press: browsers ask only then. Throws `cancelled`.
 */
export async function openSaveTarget(file: Pick<FileView, 'name' | 'size'>): Promise<SaveTarget> {
  const { size } = file;
  const name = savedName(file.name);
  if (size <= mostInMemory) return inMemory(name);
  const { showSaveFilePicker } = globalThis as SavePicker;
  if (showSaveFilePicker) return await ontoDisk(() => showSaveFilePicker({ suggestedName: name }));
  if ('storage' in navigator && 'getDirectory' in navigator.storage) return await parked(name);
  throw new ProtocolError('too-large', 'this browser cannot save a file of that size');
}

function inMemory(name: string): SaveTarget {
  let parts: Uint8Array<ArrayBuffer>[] = [];
  return {
    write: async (chunk) => void parts.push(chunk),
    finish: async () => {
      handOver(new Blob(parts, { type: 'application/octet-stream' }), name);
      parts = [];
    },
    drop: async () => void (parts = []),
  };
}

async function ontoDisk(pick: () => Promise<FileSystemFileHandle>): Promise<SaveTarget> {
  const handle = await pick().catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError')
      throw new ProtocolError('cancelled', 'no place was chosen');
    throw error;
  });
  const stream = await handle.createWritable();
  return {
    write: (chunk) => stream.write(chunk),
    finish: () => stream.close(),
    drop: () => stream.abort(), // what was there before stays
  };
}

/** In the origin's private files, and from there to the browser's downloads as a file that nobody holds in memory. */
async function parked(name: string): Promise<SaveTarget> {
  const root = await navigator.storage.getDirectory();
  // What an earlier download left; one that is still being saved keeps its file open and is not removed.
  await root.removeEntry(parkingFolder, { recursive: true }).catch(() => undefined);
  const folder = await root.getDirectoryHandle(parkingFolder, { create: true });
  const entry = crypto.randomUUID();
  const handle = await folder.getFileHandle(entry, { create: true });
  const stream = await handle.createWritable();
  return {
    write: (chunk) => stream.write(chunk),
    finish: async () => {
      await stream.close();
      handOver(await handle.getFile(), name);
    },
    drop: async () => {
      await stream.abort();
      await folder.removeEntry(entry).catch(() => undefined); // never written: not there
    },
  };
}

/** To the browser's own downloads. Never opened in a tab: a file may be a page of somebody else's. */
export function handOver(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download holds the bytes from here on; a minute is ample for the slowest browser to begin.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

import { ProtocolError } from '../../protocol/errors.ts';
import { chunkCountOf } from '../../protocol/file-layout.ts';
import { limits } from '../../protocol/limits.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type { FileVerbs, FileView, TransferView } from '../../workers/api.ts';

/** What a test prepares and watches of attachments. */
export interface FakeFiles extends FileVerbs {
  readonly files: Map<Uid, (FileView & { readonly bytes: Uint8Array<ArrayBuffer> })[]>;
  /** Tells the listeners. */
  showTransfers(transfers: readonly TransferView[]): void;
}

/** Attachments in memory that speak the worker's verbs. They seal nothing. */
export function createFakeFiles(changed: () => void): FakeFiles {
  const files: FakeFiles['files'] = new Map();
  const removed = new Map<Uid, FileView & { readonly bytes: Uint8Array<ArrayBuffer> }>();
  const listeners = new Set<(transfers: readonly TransferView[]) => void>();
  let transfers: TransferView[] = [];
  const of = (recordUid: Uid) => files.get(recordUid) ?? [];
  const one = (recordUid: Uid, fileUid: Uid) => {
    const found = of(recordUid).find((file) => file.fileUid === fileUid);
    if (!found) throw new ProtocolError('not-found', 'no such file');
    return found;
  };
  const show = (next: readonly TransferView[]) => {
    transfers = [...next];
    for (const listener of listeners) listener(transfers);
  };
  return {
    files,
    showTransfers: show,
    listFiles: async (recordUid) =>
      of(recordUid).map(({ fileUid, name, size, mediaType, chunks }) => ({
        ...{ fileUid, name, size, mediaType, chunks },
      })),
    attachFiles: async ({ recordUid, files: given }) => {
      const added = await Promise.all(
        given.map(async (file) => ({
          ...{ fileUid: newUid(), name: file.name, size: file.size, mediaType: file.type },
          ...{ chunks: chunkCountOf(file.size), bytes: new Uint8Array(await file.arrayBuffer()) },
        })),
      );
      files.set(recordUid, [...of(recordUid), ...added]);
      changed();
      return added.map(({ fileUid }) => fileUid);
    },
    watchTransfers: async (listener) => {
      listeners.add(listener);
      listener(transfers);
    },
    resumeTransfer: async ({ fileUid }) => show(transfers.filter((all) => all.fileUid !== fileUid)),
    cancelTransfer: async (fileUid) => show(transfers.filter((all) => all.fileUid !== fileUid)),
    readFileChunk: async ({ recordUid, fileUid, index }) => {
      const start = index * limits.fileChunk;
      return one(recordUid, fileUid).bytes.slice(start, start + limits.fileChunk);
    },
    renameFile: async ({ recordUid, fileUid, name }) => {
      const file = one(recordUid, fileUid);
      files.set(
        recordUid,
        of(recordUid).map((all) => (all === file ? { ...file, name } : all)),
      );
      changed();
    },
    removeFile: async ({ recordUid, fileUid }) => {
      const file = one(recordUid, fileUid);
      removed.set(fileUid, file);
      files.set(
        recordUid,
        of(recordUid).filter((all) => all !== file),
      );
      changed();
    },
    undoRemoveFile: async ({ recordUid, fileUid }) => {
      const back = removed.get(fileUid);
      if (back) files.set(recordUid, [...of(recordUid), back]);
      changed();
    },
  };
}

import type { FileVerbs } from '../../api.ts';
import type { EngineCore } from '../core.ts';

/** Attachments of the unlocked vault. */
export function fileVerbs(core: EngineCore): FileVerbs {
  const files = () => core.unlocked().files;
  return {
    listFiles: async (recordUid) => await files().list(recordUid),
    attachFiles: async (input) => await files().uploads.attach(input.recordUid, input.files),
    watchTransfers: async (listener) => core.transfers.watch(listener),
    resumeTransfer: async ({ fileUid, file }) => await files().uploads.resume(fileUid, file ?? null),
    cancelTransfer: async (fileUid) => await files().uploads.cancel(fileUid),
    readFileChunk: async (input) => await files().readChunk(input.recordUid, input.fileUid, input.index),
    renameFile: async (input) => await files().rename(input.recordUid, input.fileUid, input.name),
    removeFile: async (input) => await files().remove(input.recordUid, input.fileUid),
    undoRemoveFile: async (input) => await files().undoRemove(input.recordUid, input.fileUid),
  };
}

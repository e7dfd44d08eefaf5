import type { ErrorCode } from '../../protocol/errors.ts';
import type { Uid } from '../../protocol/uid.ts';

/** Attachments. Their keys stay in the worker: the page gives files and gets bytes. */
export interface FileVerbs {
  /** The attachments of a record, in order. Rejects with `not-found`. */
  listFiles(recordUid: Uid): Promise<FileView[]>;
  /**
   * Uploads files, several at a time, and adds each to the record once it is whole. Resolves with their UIDs; rejects
   * with the first failure once all others have come to their end. `limit-reached` names the bound in its message.
   */
  attachFiles(input: { recordUid: Uid; files: readonly File[] }): Promise<Uid[]>;
  /** Calls the listener with all uploads that are not done, at once and after every change, until the worker ends. */
  watchTransfers(listener: (transfers: readonly TransferView[]) => void): Promise<void>;
  /**
   * Goes on with an upload at the first chunk that is missing. `file`: the same file once more, when the worker does
   * not have it any more. Rejects with `conflict` for another file, or one that was changed since.
   */
  resumeTransfer(input: { fileUid: Uid; file?: File }): Promise<void>;
  /** Stops an upload and removes what the server has of it. */
  cancelTransfer(fileUid: Uid): Promise<void>;
  /**
   * The plaintext of chunk `index`, counted from 0: 1 MiB, the last one shorter. Rejects with `open-failed` when the
   * server gave anything but that chunk of that file.
   */
  readFileChunk(input: { recordUid: Uid; fileUid: Uid; index: number }): Promise<Uint8Array<ArrayBuffer>>;
  /** Rejects with `malformed` for what is no file name. */
  renameFile(input: { recordUid: Uid; fileUid: Uid; name: string }): Promise<void>;
  /** Takes the file out of the record; former versions of the record keep it. */
  removeFile(input: { recordUid: Uid; fileUid: Uid }): Promise<void>;
  /** Puts back what removeFile took out, until the vault is locked. Rejects with `not-found`. */
  undoRemoveFile(input: { recordUid: Uid; fileUid: Uid }): Promise<void>;
}

export interface FileView {
  readonly fileUid: Uid;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** `type/subtype`, or empty when it is not known. Says nothing about what is in the file. */
  readonly mediaType: string;
  readonly chunks: number;
}

export interface TransferView {
  readonly fileUid: Uid;
  readonly recordUid: Uid;
  readonly name: string;
  readonly size: number;
  /** Bytes that the server has. */
  readonly done: number;
  readonly modifiedAt: number;
  /**
   * `offline`: goes on by itself once the server answers; `stopped`: goes on when resumed; `file-needed`: goes on when
   * resumed with the file.
   */
  readonly state: 'waiting' | 'running' | 'offline' | 'stopped' | 'file-needed';
  /** Why it stopped. */
  readonly failure: { readonly code: ErrorCode; readonly message: string } | null;
}

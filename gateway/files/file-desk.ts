import type { Stream } from '../../protocol/channel/multiplexer.ts';
import {
  parseRemoteFileRequest,
  type RemoteFileAsk,
  type RemoteFileCode,
} from '../../protocol/channel/remote-files.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { RemoteFileRequest } from '../../protocol/messages/gen/remote-file_pb.js';
import type { FileSettings } from '../../protocol/records/session-settings.ts';
import type { Logger } from '../log/logger.ts';
import { makeFolder, removeFile, renameFile } from './changes.ts';
import { download } from './download.ts';
import { FileFailure } from './file-failure.ts';
import type { FileHost } from './file-host.ts';
import type { FilePlace } from './file-place.ts';
import type { MovedFile } from './file-reports.ts';
import { FileStream, StreamGone } from './file-stream.ts';
import { listFolder } from './listing.ts';
import { RemoteRoot } from './remote-root.ts';
import { dropUpload, upload } from './upload.ts';

export interface FileDeskOptions {
  readonly settings: FileSettings;
  /** The way to the machine's files, anew. */
  readonly open: () => Promise<FileHost>;
  readonly log: Logger;
  /** Something was asked for, or moves between file and page: as good as input. A transfer that stands still is none. */
  readonly onUsed?: () => void;
  /** A file went, or did not get through. */
  readonly onTransferred?: (file: MovedFile) => void;
}

/** The files of one session's machine: what the record allows, one stream a request. protocol.md §27 */
export class FileDesk {
  readonly #options: FileDeskOptions;
  readonly #running = new Map<FileStream, Promise<void>>();
  #place: Promise<FilePlace> | null = null;
  #sftp: FileHost | null = null;
  #closed = false;

  constructor(options: FileDeskOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#running.size > 0;
  }

  /** Does what the stream is for, and says on it how that went. */
  serve(stream: Stream, request: RemoteFileRequest): void {
    const { onUsed = () => {} } = this.#options;
    const page = new FileStream(stream, onUsed);
    onUsed();
    if (this.#closed) return page.reset('unavailable');
    if (this.#running.size >= limits.remoteFiles.streams) return page.reset('limit-reached');
    const running = this.#serve(page, request).finally(() => this.#running.delete(page));
    this.#running.set(page, running);
  }

  /**
   * The session is over. `keep`: the page may come again and go on with its uploads; else nothing stays of them.
   * Settles when that is done.
   */
  async close(keep: boolean): Promise<void> {
    this.#closed = true;
    for (const page of this.#running.keys()) page.reset(keep ? 'unavailable' : 'withdrawn');
    await Promise.all(this.#running.values());
    this.#sftp?.close();
  }

  async #serve(page: FileStream, request: RemoteFileRequest): Promise<void> {
    try {
      const ask = parseRemoteFileRequest(request);
      this.#requireAllowed(ask);
      await this.#carryOut(await this.#reach(), page, ask);
      page.end();
    } catch (error) {
      if (!(error instanceof StreamGone)) page.reset(this.#codeOf(error));
    }
  }

  #requireAllowed({ kind }: RemoteFileAsk): void {
    const { upload: mayChange, download: mayRead } = this.#options.settings;
    const allowed = kind === 'list' || (kind === 'read' ? mayRead : mayChange);
    if (!allowed) throw new FileFailure('not-allowed');
  }

  async #carryOut(place: FilePlace, page: FileStream, ask: RemoteFileAsk): Promise<void> {
    switch (ask.kind) {
      case 'list':
        return await listFolder(place, page, ask);
      case 'read':
        return await this.#transfer('download', page, () => download(place, page, ask));
      case 'write':
        return await this.#transfer('upload', page, () => upload(place, page, ask));
      case 'make':
        await makeFolder(place, ask);
        break;
      case 'rename':
        await renameFile(place, ask);
        break;
      case 'remove':
        await removeFile(place, ask);
        break;
      case 'drop':
        await dropUpload(place, ask);
        break;
    }
    await page.answer({ answer: { case: 'done', value: {} } });
  }

  /** Names are the person's business: the log has none. */
  async #transfer(
    reason: 'upload' | 'download',
    page: FileStream,
    run: () => Promise<number>,
  ): Promise<void> {
    const { log, onTransferred = () => {} } = this.#options;
    const upload = reason === 'upload';
    const begun = performance.now();
    const ms = () => Math.round(performance.now() - begun);
    try {
      const bytes = await run();
      log.info('file transferred', { reason, bytes, ms: ms() });
      onTransferred({ upload, size: bytes, finished: true });
    } catch (error) {
      const code = error instanceof StreamGone ? 'cancelled' : this.#codeOf(error);
      log.info('file not transferred', { reason, code, ms: ms() });
      if (page.moved > 0) onTransferred({ upload, size: page.moved, finished: false });
      throw error;
    }
  }

  /** One way for the session, a new one when it broke. */
  #reach(): Promise<FilePlace> {
    if (this.#place !== null && this.#sftp?.usable !== false) return this.#place;
    this.#sftp = null;
    const place = this.#open();
    this.#place = place;
    place.catch(() => {
      if (this.#place === place) this.#place = null; // the next request tries anew
    });
    return place;
  }

  async #open(): Promise<FilePlace> {
    const { open, settings } = this.#options;
    const sftp = await open();
    this.#sftp = sftp;
    if (this.#closed) sftp.close();
    return { sftp, root: await RemoteRoot.find(sftp, settings.root) };
  }

  #codeOf(error: unknown): RemoteFileCode {
    if (error instanceof FileFailure) return error.code;
    if (error instanceof ProtocolError && error.code === 'malformed') return 'malformed';
    this.#options.log.error('a file request failed', { err: error });
    return 'unavailable';
  }
}

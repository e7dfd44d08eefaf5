import type { Duplex } from 'node:stream';
import type { Stream } from '../../protocol/channel/multiplexer.ts';
import type { RemoteFileRequest } from '../../protocol/messages/gen/remote-file_pb.js';
import type { FileSettings, SessionSettings } from '../../protocol/records/session-settings.ts';
import type { Logger } from '../log/logger.ts';
import { FileDesk } from './file-desk.ts';

/** Uploads that are not whole are removed from the machine in this time, or stay under their own names. */
const tidyMs = 2_000;

/** What a session of those settings has of its machine's files; null: nothing. */
export function fileSettingsOf(settings: SessionSettings): FileSettings | null {
  return settings.protocol === 'ssh' ? settings.files : null;
}

/** The machine's files beside a session's shell, from the moment when that is there to its end. */
export class SessionFiles {
  readonly #settings: FileSettings | null;
  readonly #log: Logger;
  readonly #onUsed: () => void;
  #desk: FileDesk | null = null;

  /** `onUsed` hears of requests and of what moves: as good as input. */
  constructor(settings: FileSettings | null, log: Logger, onUsed: () => void) {
    this.#settings = settings;
    this.#onUsed = onUsed;
    this.#log = log;
  }

  /** The shell is there, on a login that may have files, too. */
  reach(shell: { openSftp?(): Promise<Duplex> }): void {
    const settings = this.#settings;
    const open = shell.openSftp?.bind(shell);
    if (settings !== null && open !== undefined)
      this.#desk = new FileDesk({ settings, open, log: this.#log, onUsed: this.#onUsed });
  }

  /** Something is under way. */
  get busy(): boolean {
    return this.#desk?.busy === true;
  }

  serve(stream: Stream, request: RemoteFileRequest): void {
    if (this.#desk === null) stream.reset('unavailable');
    else this.#desk.serve(stream, request);
  }

  /** Before the login is left. `keep`: the page was lost and may go on with its uploads; else nothing stays of them. */
  async leave(keep: boolean): Promise<void> {
    if (this.#desk === null) return;
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, tidyMs);
    await Promise.race([this.#desk.close(keep), deadline.promise]);
    clearTimeout(timer);
  }
}

import type { Duplex } from 'node:stream';
import type { Stream } from '../../protocol/channel/multiplexer.ts';
import type { RemoteFileRequest } from '../../protocol/messages/gen/remote-file_pb.js';
import type { FileSettings, SessionSettings } from '../../protocol/records/session-settings.ts';
import type { Logger } from '../log/logger.ts';
import type { GatewayOffers } from '../guacd/offers.ts';
import { FileReports, type MovedFiles } from './file-reports.ts';
import { FileDesk } from './file-desk.ts';
import type { FileHost } from './file-host.ts';
import { SftpClient } from './sftp-client.ts';

/** Uploads that are not whole are removed from the machine in this time, or stay under their own names. */
const tidyMs = 2_000;

/** What a session of those settings has of its machine's files, or of a drive of its own; null: nothing. */
export function fileSettingsOf(
  settings: SessionSettings,
  { drive }: Pick<GatewayOffers, 'drive'>,
): FileSettings | null {
  if (settings.protocol === 'ssh') return settings.files;
  return settings.protocol === 'rdp' && drive ? settings.drive : null;
}

/** A shell whose login reaches files, or that has a drive. */
export interface ShellWithFiles {
  openSftp?(): Promise<Duplex>;
  readonly drive?: { readonly files: FileHost } | null;
}

function waysTo(shell: ShellWithFiles): (() => Promise<FileHost>) | null {
  const { drive } = shell;
  if (drive) return () => Promise.resolve(drive.files);
  const open = shell.openSftp?.bind(shell);
  return open ? async () => SftpClient.open(await open()) : null;
}

/** The machine's files beside a session's shell, from the moment when that is there to its end. */
export class SessionFiles {
  readonly #settings: FileSettings | null;
  readonly #log: Logger;
  readonly #onUsed: () => void;
  readonly #reports: FileReports;
  #desk: FileDesk | null = null;

  /** `onUsed` hears of requests and of what moves: as good as input; `onMoved` of files that went. */
  constructor(
    settings: FileSettings | null,
    log: Logger,
    onUsed: () => void,
    onMoved: (files: MovedFiles) => void = () => {},
  ) {
    this.#reports = new FileReports(onMoved);
    this.#settings = settings;
    this.#onUsed = onUsed;
    this.#log = log;
  }

  /** The shell is there, on a login that may have files, too. */
  reach(shell: ShellWithFiles): void {
    const settings = this.#settings;
    const open = waysTo(shell);
    if (settings !== null && open !== null)
      this.#desk = new FileDesk({
        ...{ settings, open, log: this.#log, onUsed: this.#onUsed },
        onTransferred: (file) => this.#reports.add(file),
      });
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

  /** What was not told yet is told: the session is about to be over. */
  tell(): void {
    this.#reports.flush();
  }
}

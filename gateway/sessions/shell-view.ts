import type { Stream } from '../../protocol/channel/multiplexer.ts';
import type { GuacdSession } from '../targets/guacd-session.ts';
import { SessionFailure } from '../terminal/failure.ts';
import type { SshSession, SshSessionOptions } from '../terminal/ssh-session.ts';
import { endOfFailure, ends, type SessionEnd } from './session-end.ts';

/** What of a remote shell or desktop a session uses. */
export type Shell = Pick<
  SshSession | GuacdSession,
  | 'attach'
  | 'close'
  | 'drained'
  | 'ended'
  | 'hostKey'
  | 'resume'
  | 'trustedOnFirstUse'
  | 'watchLatency'
  | 'write'
> &
  Partial<Pick<SshSession, 'hear' | 'openSftp' | 'welcome'>> &
  Partial<Pick<GuacdSession, 'drive'>>;

export type ShellHooks = Required<
  Pick<SshSessionOptions, 'signal' | 'onProgress' | 'onStalled' | 'onInput' | 'onRefused'>
>;

export interface ShellViewOptions {
  /** Shell and page are both there. */
  readonly onOpen: () => void;
  readonly onLatency: (milliseconds: number) => void;
  /** The picture cannot be shown any more. */
  readonly onFailed: (end: SessionEnd) => void;
}

/** What flows between a shell and its page once both are there: the picture one way, keys and clipboard the other. */
export class ShellView {
  readonly #options: ShellViewOptions;
  #shell: Shell | null = null;
  #stream: Stream | null = null;
  #early: Uint8Array[] = []; // what the page said before the shell was there; its credit bounds it
  #stopLatency: () => void = () => {};
  #sound = true;
  #stalled = false; // the page took nothing for so long that guacd was let run on without it
  #over = false;

  constructor(options: ShellViewOptions) {
    this.#options = options;
  }

  useShell(shell: Shell): void {
    this.#shell = shell;
    shell.hear?.(this.#sound);
    this.#join();
  }

  useStream(stream: Stream): void {
    this.#stream = stream;
    stream.onData = (bytes) => this.#fromPage(bytes);
    stream.onDrain = () => this.#drained();
    this.#join();
  }

  /** Whether the page plays what it hears: what it does not play is not sent to it. */
  hear(wanted: boolean): void {
    this.#sound = wanted;
    this.#shell?.hear?.(wanted);
  }

  /** The shell goes on without its page, which gets the whole screen when it takes something again. */
  stalled(): void {
    this.#stalled = true;
  }

  /** Nothing flows from now on, though both sides may still be there for a moment. */
  stop(): void {
    this.#over = true;
    this.#early = [];
    this.#stopLatency();
  }

  #join(): void {
    const [shell, stream] = [this.#shell, this.#stream];
    if (this.#over || shell === null || stream === null) return;
    this.#options.onOpen();
    this.#stopLatency = shell.watchLatency(this.#options.onLatency);
    this.#view(shell, stream);
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) this.#toShell(shell, bytes);
  }

  /** The picture from now on; after a stall, the whole screen anew. */
  #view(shell: Shell, stream: Stream): void {
    shell
      .attach((instructions) => this.#show(stream, instructions))
      .catch((error: unknown) => {
        this.#options.onFailed(error instanceof SessionFailure ? endOfFailure(error) : ends.internal);
      });
  }

  #drained(): void {
    if (this.#over || this.#shell === null || this.#stream === null) return;
    if (!this.#stalled) return this.#shell.resume();
    this.#stalled = false;
    this.#view(this.#shell, this.#stream);
  }

  #show(stream: Stream, instructions: Uint8Array): boolean {
    if (this.#over) return false;
    try {
      return stream.write(instructions);
    } catch {
      this.#options.onFailed(ends.pageStalled); // more than the stream holds: nobody waited
      return false;
    }
  }

  #fromPage(bytes: Uint8Array): void {
    if (this.#over) return;
    if (this.#shell === null) this.#early.push(bytes);
    else this.#toShell(this.#shell, bytes);
  }

  /** The page gets its credit back when the shell has room: that is all the back-pressure there is. */
  #toShell(shell: Shell, bytes: Uint8Array): void {
    if (shell.write(bytes)) return this.#stream?.consumed(bytes.length);
    void shell.drained().then(() => this.#stream?.consumed(bytes.length));
  }
}

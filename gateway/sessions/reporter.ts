import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Stream } from '../../protocol/channel/multiplexer.ts';
import {
  LegState,
  type GuestsSchema,
  type Leg,
  type SessionSignalSchema,
  type StreamControlSchema,
} from '../../protocol/messages/gen/session_pb.js';
import type { SessionKeys } from '../../protocol/session/session-keys.ts';
import type { Logger } from '../log/logger.ts';
import type { HostKey } from '../terminal/failure.ts';
import type { SessionEnd } from './session-end.ts';

type SignalBody = NonNullable<MessageInitShape<typeof SessionSignalSchema>['body']>;

/** What goes by the stream once it is there. */
type ReportedCase =
  'progress' | 'hostKey' | 'ended' | 'recordingStopped' | 'recordingWaits' | 'endingSoon' | 'guests';

export interface ReporterOptions {
  readonly keys: SessionKeys;
  readonly send: (sealed: Uint8Array) => void;
  /** performance.now() when the command came. */
  readonly begunAt: number;
  readonly log: Logger;
}

/** Tells the page how its session does: by sealed signals through the router until the stream is there, then on it. */
export class Reporter {
  /** What is said on the stream waits for the page to come back: what matters is said by signals too. */
  pageAway = false;
  readonly #options: ReporterOptions;
  readonly #released = Promise.withResolvers<void>();
  #sent: Promise<void>;
  #stream: Stream | null = null;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#sent = this.#released.promise;
  }

  /** The reply to the command has left: what happened meanwhile may follow it. */
  release(): void {
    this.#released.resolve();
  }

  /** From now on reports go by the stream. */
  use(stream: Stream): void {
    this.#stream = stream;
  }

  progress(leg: Leg, state: 'started' | 'done'): void {
    const atMs = Math.max(0, Math.round(performance.now() - this.#options.begunAt));
    const value = { leg, state: state === 'done' ? LegState.DONE : LegState.STARTED, atMs };
    this.#report({ case: 'progress', value });
  }

  hostKey({ key, fingerprint }: HostKey, trustedOnFirstUse: boolean): void {
    this.#report({ case: 'hostKey', value: { key, fingerprint, trustedOnFirstUse } });
  }

  /** The session goes on without its recording. */
  recordingStopped(): void {
    this.#report({ case: 'recordingStopped', value: {} });
  }

  /** The server has no room for the recording: it waits at the gateway; or not any more. */
  recordingWaits(waits: boolean): void {
    this.#report({ case: 'recordingWaits', value: { waits } });
  }

  /** A limit is about to end the session; 0: not any more. */
  endingSoon(code: string, leftMs: number): void {
    this.#report({ case: 'endingSoon', value: { code, leftMs } });
  }

  /** Everybody else who is in the session now. */
  guests(guests: MessageInitShape<typeof GuestsSchema>['guests'] & object): void {
    this.#report({ case: 'guests', value: { guests } });
  }

  candidate(candidate: string, mid: string): void {
    this.#signal({ case: 'candidate', value: { candidate, mid } });
  }

  targetRoundTrip(milliseconds: number): void {
    const value = Math.max(1, Math.round(milliseconds * 1000));
    if (this.#stream?.open && !this.pageAway) this.#control(this.#stream, { case: 'targetRttUs', value });
  }

  /** The last report. Settles when it has been handed on, so not before {@link release}. */
  async ended({ leg, code, message, hostKey, by, reason = '' }: SessionEnd): Promise<void> {
    if (hostKey) this.hostKey(hostKey, false);
    this.#report({ case: 'ended', value: { leg, code, message: by ?? message, reason } });
    await this.#sent;
  }

  #report(body: Extract<SignalBody, { case: ReportedCase }>): void {
    const onStream = this.#stream?.open === true;
    if (this.#stream && onStream) this.#control(this.#stream, body);
    if (!onStream || this.pageAway) this.#signal(body);
  }

  /** A page that takes no control messages misses some: that ends no session. */
  #control(stream: Stream, body: NonNullable<MessageInitShape<typeof StreamControlSchema>['body']>): void {
    try {
      stream.control({ body });
    } catch (error) {
      this.#options.log.warn('report not sent', { err: error });
    }
  }

  #signal(body: SignalBody): void {
    const { keys, send, log } = this.#options;
    this.#sent = this.#sent
      .then(() => keys.sealSignal(body))
      .then(send)
      .catch((error: unknown) => log.warn('signal not sent', { err: error }));
  }
}

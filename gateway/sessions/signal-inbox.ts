import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { SessionSignal } from '../../protocol/messages/gen/session_pb.js';
import type { SessionKeys } from '../../protocol/session/session-keys.ts';
import type { Logger } from '../log/logger.ts';

export interface SignalInboxOptions {
  readonly keys: Pick<SessionKeys, 'openSignal'>;
  readonly obey: (signal: SessionSignal) => void;
  readonly log: Logger;
}

/** Sealed signals of a page, opened in the order in which they came. */
export class SignalInbox {
  readonly #options: SignalInboxOptions;
  #opened: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: SignalInboxOptions) {
    this.#options = options;
  }

  /** The router may send anything under a session's name: what does not open, and what is too many, changes nothing. */
  take(sealed: Uint8Array): void {
    if (this.#waiting >= limits.signalsPerSession) return;
    const { keys, obey, log } = this.#options;
    this.#waiting++;
    this.#opened = this.#opened
      .then(() => keys.openSignal(sealed))
      .then(obey)
      .catch((error: unknown) => {
        const code = error instanceof ProtocolError ? error.code : 'internal';
        log.warn('signal refused', { code });
      })
      .finally(() => this.#waiting--);
  }
}

import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Clock } from '../clock.ts';

/** Shorter than the ten minutes for which the server calls a login recent. */
const keptMs = 5 * 60_000;

/** The raw data key of a login that was just made, for as long as a person needs to add a passkey; then it is wiped. */
export class FreshDataKey {
  readonly #clock: Clock;
  #dataKey: Bytes | null = null;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes it over: whoever made it wipes it no more. */
  keep(dataKey: Bytes): void {
    this.forget();
    this.#dataKey = dataKey;
    this.#cancel = this.#clock.schedule(keptMs, () => this.forget());
  }

  /** Throws `login-too-old` when there is none any more. */
  require(): Bytes {
    if (this.#dataKey === null) throw new ProtocolError('login-too-old', 'confirm who you are first');
    return this.#dataKey;
  }

  forget(): void {
    this.#cancel();
    if (this.#dataKey) wipe(this.#dataKey);
    this.#dataKey = null;
  }
}

import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { ApiClient } from './api-client.ts';
import type { DeviceSession } from './device-session.ts';
import { limits } from '../../../protocol/limits.ts';
import { AccountService } from '../../../protocol/messages/gen/account_pb.js';

/** Signed-in calls of an unlocked vault. Says once when the server has ended the session. */
export class VaultSession {
  readonly #api: ApiClient;
  readonly #onEnded: () => void;
  #session: DeviceSession;
  #ended = false;
  #suspended = false;
  #held: Promise<void> = Promise.resolve();
  #lastCall: number;

  constructor(api: ApiClient, session: DeviceSession, onEnded: () => void) {
    this.#api = api;
    this.#session = session;
    this.#onEnded = onEnded;
    this.#lastCall = api.deviceNow();
  }

  get current(): DeviceSession {
    return this.#session;
  }

  /** The server's time, as far as it is known. */
  now(): number {
    return this.#api.now();
  }

  /** The device's own clock, which dates commands: the server has no say in it. */
  deviceNow(): number {
    return this.#api.deviceNow();
  }

  get keyring() {
    return this.#api.keyring;
  }

  /** Calls wait until the session is known to be good. `ready` never rejects. */
  holdUntil(ready: Promise<void>): void {
    this.#held = ready;
  }

  replace(session: DeviceSession): void {
    this.#session = session;
    this.#ended = false;
    this.#suspended = false;
  }

  /** The session is over and a new login is under way: until it is replaced, calls throw `not-signed-in`. */
  suspend(): void {
    this.#suspended = true;
  }

  /** As ApiClient.call, with this session. */
  async call<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    onSent?: () => void,
  ): Promise<MessageShape<Output>> {
    await this.#held;
    if (this.#suspended) throw new ProtocolError('not-signed-in', 'sign in again to reach the server');
    const session = this.#session;
    this.#lastCall = this.deviceNow();
    try {
      return await this.#api.call(method, request, session, onSent);
    } catch (error) {
      if (isNotSignedIn(error) && session === this.#session) this.end();
      throw error;
    }
  }

  /** Throws `not-signed-in` without ending anything: the caller may still have the password. */
  async renew(): Promise<void> {
    const { method } = AccountService;
    const { expiresAtMs, serverTimeMs } = await this.#api.call(method.renewSession, {}, this.#session);
    this.#api.learnTime(serverTimeMs);
    this.#session = { ...this.#session, expiresAtMs: Number(expiresAtMs) };
  }

  /** A person at work in a terminal calls nobody for hours: the session must not run out under their hands. */
  async keepAlive(): Promise<void> {
    if (this.deviceNow() - this.#lastCall < limits.sessionTokenMs / 4) return;
    await this.call(AccountService.method.renewSession, {});
  }

  /** The server is about to end the session with what is asked of it: that is no news then. */
  expectEnd(expected: boolean): void {
    this.#ended = expected;
  }

  /** The server does not know this session any more. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnded();
  }
}

export function isNotSignedIn(error: unknown): boolean {
  return error instanceof ProtocolError && (error.code === 'not-signed-in' || error.code === 'bad-signature');
}

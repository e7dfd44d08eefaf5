import type { MessageInitShape } from '@bufbuild/protobuf';
import { isErrorCode, ProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { SignedCommandSchema } from '../../../protocol/messages/gen/command_pb.js';
import type { CommandResult } from '../../../protocol/messages/gen/link_pb.js';
import type { Clock } from '../clock.ts';
import type { VaultLink } from '../connection/vault-link.ts';

/** Past the router's own timeout: it answers for a silent gateway, so silence here is a silent router. */
const answerMs = limits.commandTimeoutMs + 5_000;
const mostPending = 64;

type Pending = PromiseWithResolvers<Uint8Array>;

/** Commands under way on the link: each gets its answer, a refusal, or its timeout. */
export class CommandDesk {
  readonly #link: VaultLink;
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(link: VaultLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  /**
   * The gateway's sealed answer. Throws the router's or the gateway's refusal, `timed-out` or `offline`. `patienceMs`: when
   * the link may well be dead, and a new one is the way to find out.
   */
  async send(
    command: MessageInitShape<typeof SignedCommandSchema>,
    patienceMs: number = answerMs,
  ): Promise<Uint8Array> {
    const connection = await this.#link.connection();
    if (this.#pending.size >= mostPending)
      throw new ProtocolError('limit-reached', 'too many commands at once');
    const requestId = ++this.#lastId;
    const pending = Promise.withResolvers<Uint8Array>();
    this.#pending.set(requestId, pending);
    const cancel = this.#clock.schedule(patienceMs, () => {
      pending.reject(new ProtocolError('timed-out', 'the router did not answer'));
      connection.close('timed-out'); // nobody is there: find out by a new link
    });
    connection.send({ case: 'command', value: { requestId, command } });
    return await pending.promise.finally(() => {
      cancel();
      this.#pending.delete(requestId);
    });
  }

  settle({ requestId, outcome }: CommandResult): void {
    const pending = this.#pending.get(requestId);
    if (!pending) return; // it timed out
    if (outcome.case === 'reply' && outcome.value.outcome.case === 'sealed') {
      pending.resolve(outcome.value.outcome.value);
    } else {
      pending.reject(refusalOf(outcome));
    }
  }

  /** The link broke: what was asked on it will not be answered. */
  failAll(): void {
    for (const pending of this.#pending.values()) {
      pending.reject(new ProtocolError('offline', 'the link to the router broke'));
    }
  }
}

/** Codes that only this device may say of itself: a router that sends one is not to be taken at its word. */
const ownCodes: readonly ErrorCode[] = [
  'locked',
  'offline',
  'wrong-password',
  'untrusted',
  'cancelled',
  'not-signed-in',
];

function refusalOf(outcome: CommandResult['outcome']): ProtocolError {
  if (outcome.case === 'failure') return errorOf(outcome.value.code, outcome.value.message);
  if (outcome.case === 'reply' && outcome.value.outcome.case === 'refused') {
    return errorOf(outcome.value.outcome.value.code, outcome.value.outcome.value.message);
  }
  return new ProtocolError('malformed', 'the answer is empty');
}

/** What a router says went wrong. */
export function errorOf(code: string, message: string): ProtocolError {
  if (isErrorCode(code) && !ownCodes.includes(code)) return new ProtocolError(code, message || code);
  return new ProtocolError('refused', `${code}: ${message}`);
}

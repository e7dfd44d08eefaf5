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

/** What came back for a command. */
export interface Answered {
  readonly sealed: Uint8Array;
  /** Of the router, for a detour; empty: none. */
  readonly detourTicket: Uint8Array;
}

/** When the link may well be dead, and a new one is the way to find out. */
export interface Patience {
  readonly answerMs: number;
  /** So long the router may take to answer what it answers by itself, before the link counts as dead. */
  readonly linkMs: number;
}

type Pending = PromiseWithResolvers<Answered>;

/** Commands under way on the link: each gets its answer, a refusal, or its timeout. */
export class CommandDesk {
  readonly #link: VaultLink;
  readonly #clock: Clock;
  readonly #answers: (withinMs: number) => Promise<boolean>;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  /** `answers`: whether the router answers by itself, in that time. */
  constructor(link: VaultLink, clock: Clock, answers: (withinMs: number) => Promise<boolean>) {
    this.#link = link;
    this.#clock = clock;
    this.#answers = answers;
  }

  /**
   * The gateway's sealed answer. Throws the router's or the gateway's refusal, `timed-out` or `offline`. With `patience` a
   * gateway that takes its time costs nothing but this command; only a router that is silent itself loses the link.
   */
  async send(
    command: MessageInitShape<typeof SignedCommandSchema>,
    patience: Patience | null = null,
  ): Promise<Answered> {
    const connection = await this.#link.connection();
    if (this.#pending.size >= mostPending)
      throw new ProtocolError('limit-reached', 'too many commands at once');
    const requestId = ++this.#lastId;
    const pending = Promise.withResolvers<Answered>();
    this.#pending.set(requestId, pending);
    const cancel = this.#clock.schedule(patience?.answerMs ?? answerMs, () => {
      pending.reject(new ProtocolError('timed-out', 'the router did not answer'));
      if (patience === null) return connection.close('timed-out'); // nobody is there: find out by a new link
      void this.#answers(patience.linkMs).then((answers) => answers || connection.close('timed-out'));
    });
    connection.send({ case: 'command', value: { requestId, command } });
    return await pending.promise.finally(() => {
      cancel();
      this.#pending.delete(requestId);
    });
  }

  settle({ requestId, outcome, detourTicket }: CommandResult): void {
    const pending = this.#pending.get(requestId);
    if (!pending) return; // it timed out
    if (outcome.case === 'reply' && outcome.value.outcome.case === 'sealed') {
      pending.resolve({ sealed: outcome.value.outcome.value, detourTicket });
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

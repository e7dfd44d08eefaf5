import type { GatewayAnswer } from '../head/head.ts';

/** Commands of one gateway that wait for an answer. More than this is a gateway that does not keep up. */
const mostPending = 256;

interface Pending {
  readonly answer: (answer: GatewayAnswer) => void;
  readonly deadline: NodeJS.Timeout;
}

/** Commands that were relayed and not yet answered. Every one is answered, if only by its deadline. */
export class PendingCommands {
  readonly #pending = new Map<bigint, Pending>();
  readonly #timeoutMs: number;
  #next = 1n;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get full(): boolean {
    return this.#pending.size >= mostPending;
  }

  add(): { readonly relayId: bigint; readonly answer: Promise<GatewayAnswer> } {
    const relayId = this.#next++;
    const { promise, resolve } = Promise.withResolvers<GatewayAnswer>();
    const deadline = setTimeout(
      () =>
        this.answer(relayId, { kind: 'failure', code: 'timed-out', message: 'the gateway did not answer' }),
      this.#timeoutMs,
    );
    this.#pending.set(relayId, { answer: resolve, deadline });
    return { relayId, answer: promise };
  }

  /** False for a command that is not waiting: its deadline passed, or it never was. */
  answer(relayId: bigint, answer: GatewayAnswer): boolean {
    const pending = this.#pending.get(relayId);
    if (!pending) return false;
    this.#pending.delete(relayId);
    clearTimeout(pending.deadline);
    pending.answer(answer);
    return true;
  }

  answerAll(answer: GatewayAnswer): void {
    for (const relayId of [...this.#pending.keys()]) this.answer(relayId, answer);
  }
}

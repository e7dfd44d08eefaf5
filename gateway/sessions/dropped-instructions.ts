import type { Logger } from '../log/logger.ts';

type Side = 'browser' | 'guacd';

/** The instructions of the Guacamole protocol, 1.6. Any other name is a peer's own text, and stays out of the log. */
const known: ReadonlySet<string> = new Set(
  (
    'ack arc argv audio blob body cfill clip clipboard close connect copy cstroke cursor curve disconnect dispose ' +
    'distort end error file filesystem get identity img jpeg key lfill line log lstroke mouse move msg name nest nop ' +
    'pipe png pop push put ready rect required reset select set shade size start sync timezone touch transfer ' +
    'transform undefine video'
  ).split(' '),
);

/** What the filters of one session dropped: each kind is logged when it comes first, and counted at the end. */
export class DroppedInstructions {
  readonly #log: Logger;
  readonly #counts = new Map<string, { readonly side: Side; readonly opcode: string; count: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  note(side: Side, opcode: string): void {
    const name = known.has(opcode) ? opcode : 'unknown';
    const seen = this.#counts.get(`${side} ${name}`);
    if (seen) return void seen.count++;
    this.#counts.set(`${side} ${name}`, { side, opcode: name, count: 1 });
    this.#log.warn('instruction dropped', { side, opcode: name });
  }

  /** At the session's end: how often, where it was more than once. */
  sum(): void {
    for (const { side, opcode, count } of this.#counts.values())
      if (count > 1) this.#log.warn('instructions dropped', { side, opcode, count });
    this.#counts.clear();
  }
}

// The legs of an installation as they are tested: timed, reported one by one, counted when they fail.
import { TurnRefusal } from './turn-allocation.ts';

export type LegReport = {
  readonly leg: string;
  readonly result: 'ok' | 'failed' | 'not configured' | 'not reached';
  /** Holds no password, secret or credential. */
  readonly note: string;
  readonly next: string;
  readonly tookMs: number;
};

export type LegsParts = {
  readonly signal: AbortSignal;
  readonly report: (report: LegReport) => void;
};

export const answerMs = 8_000;

export class Legs {
  failed = 0;
  readonly #parts: LegsParts;

  constructor(parts: LegsParts) {
    this.#parts = parts;
  }

  say(report: Omit<LegReport, 'tookMs'>): void {
    this.#parts.report({ ...report, tookMs: 0 });
  }

  skip(leg: string, because: string): void {
    this.say({ leg, result: 'not reached', note: `because of: ${because}`, next: '' });
  }

  /** Whether it works. `next`: the step for any failure, or for the one that it is told. */
  async test(
    leg: string,
    attempt: (signal: AbortSignal) => Promise<string>,
    next: string | ((cause: string) => string),
  ): Promise<boolean> {
    const begunAt = performance.now();
    const signal = AbortSignal.any([this.#parts.signal, AbortSignal.timeout(answerMs)]);
    const [result, note] = await attempt(signal).then(
      (said) => ['ok', said] as const,
      (error: unknown) => ['failed', causeOf(error)] as const,
    );
    this.#parts.signal.throwIfAborted();
    if (result === 'failed') this.failed++;
    const tookMs = Math.round(performance.now() - begunAt);
    const step = typeof next === 'string' ? next : next(note);
    this.#parts.report({ leg, result, note, next: result === 'ok' ? '' : step, tookMs });
    return result === 'ok';
  }
}

/** The system's code says most; a message of the database's driver may quote its address, which holds a password. */
function causeOf(error: unknown): string {
  if (error instanceof TurnRefusal) return error.message;
  const cause: unknown = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code !== '') return code;
  return error instanceof Error ? error.message.replace(/\/\/[^@\s]*@/g, '//') : 'no answer';
}

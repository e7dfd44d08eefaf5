import { ends, type SessionEnd } from './session-end.ts';

/** Of the sealed record, in milliseconds; 0: none. */
export interface SessionLimits {
  readonly idleMs: number;
  readonly longestMs: number;
}

export interface SessionClockTargets {
  /** The session is about to end with that code; 0: not any more. */
  readonly warn: (code: string, leftMs: number) => void;
  readonly end: (end: SessionEnd) => void;
}

const warnMs = 60_000;

/** Ends a session that nobody uses, and one that lasts too long; a minute before, whoever has it open is told. */
export class SessionClock {
  readonly #limits: SessionLimits;
  readonly #targets: SessionClockTargets;
  #usedAt = performance.now();
  #idle: NodeJS.Timeout | undefined;
  #longest: NodeJS.Timeout | undefined;
  #warned = false;
  #started = false;
  #stopped = false;

  constructor(limits: SessionLimits, targets: SessionClockTargets) {
    this.#limits = limits;
    this.#targets = targets;
  }

  /** The session is open: from the first time on both count. */
  start(): void {
    if (this.#started || this.#stopped) return;
    this.#started = true;
    const { idleMs, longestMs } = this.#limits;
    this.#usedAt = performance.now();
    if (idleMs > 0) this.#watch();
    if (longestMs > 0) this.#longest = setTimeout(() => this.#almostLongest(), before(longestMs));
  }

  /** Somebody is there. */
  used(): void {
    this.#usedAt = performance.now();
    if (!this.#warned || this.#stopped) return;
    this.#warned = false;
    this.#targets.warn(ends.idle.code, 0);
    this.#watch();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#idle);
    clearTimeout(this.#longest);
  }

  /** One timer, whatever is typed: it looks again when the earliest moment for a word has come. */
  #watch(): void {
    clearTimeout(this.#idle);
    const unused = performance.now() - this.#usedAt;
    const wait = before(this.#limits.idleMs) - unused;
    if (wait > 0) this.#idle = setTimeout(() => this.#watch(), Math.ceil(wait));
    else this.#almostIdle(this.#limits.idleMs - unused);
  }

  #almostIdle(leftMs: number): void {
    this.#warned = true;
    this.#targets.warn(ends.idle.code, Math.max(1, Math.round(leftMs)));
    this.#idle = setTimeout(() => this.#targets.end(ends.idle), Math.max(0, leftMs));
  }

  #almostLongest(): void {
    const leftMs = this.#limits.longestMs - before(this.#limits.longestMs);
    this.#targets.warn(ends.longest.code, leftMs);
    this.#longest = setTimeout(() => this.#targets.end(ends.longest), leftMs);
  }
}

/** When the word comes: a minute before the end, or half-way where a session is that short. */
function before(limitMs: number): number {
  return Math.max(limitMs - warnMs, limitMs / 2);
}

import type { VaultVerbs } from '../../workers/api.ts';

const key = 'sallyport.idle-lock';
const defaultMinutes = 15;
const choices = [1, 5, 15, 30, 60, 240, 0];

/** The worker keeps the clock; the page remembers the choice to show it, and says it again after a reload. */
export class IdleLock {
  minutes = $state(readStored());
  readonly options = choices.map((minutes) => ({ value: String(minutes), label: describe(minutes) }));
  readonly #verbs: VaultVerbs;

  constructor(verbs: VaultVerbs) {
    this.#verbs = verbs;
  }

  async choose(minutes: number): Promise<void> {
    await this.#verbs.setIdleLock(minutes);
    localStorage.setItem(key, String(minutes));
    this.minutes = minutes;
  }

  /** After an unlock the worker must hear what was chosen before. */
  async apply(): Promise<void> {
    await this.#verbs.setIdleLock(this.minutes);
  }
}

function readStored(): number {
  const stored = Number(localStorage.getItem(key) ?? defaultMinutes);
  return choices.includes(stored) ? stored : defaultMinutes;
}

function describe(minutes: number): string {
  if (minutes === 0) return 'Never';
  if (minutes >= 60) return minutes === 60 ? '1 hour' : `${minutes / 60} hours`;
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}

import type { Uid } from '../../protocol/uid.ts';
import type { NewApplicationClient } from '../../workers/api.ts';
import { startOf } from '../events/event-text.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

export const forms = [
  {
    value: 'token',
    label: 'One-time token',
    says: 'The device exchanges it for keys of its own at its first use. Best where it can keep a file.',
  },
  {
    value: 'configuration',
    label: 'Ready configuration',
    says: 'Works at once and stays valid, for CI secrets, containers and Kubernetes.',
  },
] as const;

export const tokenLives = [
  { value: '5', label: '5 minutes' },
  { value: '60', label: '1 hour' },
  { value: '480', label: '8 hours' },
  { value: '1440', label: '24 hours' },
] as const;

export const accessEnds = [
  { value: 'never', label: 'Never' },
  { value: '1', label: 'In 1 day' },
  { value: '7', label: 'In 7 days' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In 1 year' },
  { value: 'day', label: 'After a day of your choice' },
] as const;

/** What a person fills in to add a device. */
export class NewDevice {
  name = $state('');
  form = $state<NewApplicationClient['form']>('token');
  tokenLife = $state<(typeof tokenLives)[number]['value']>('60');
  accessEnd = $state<(typeof accessEnds)[number]['value']>('never');
  /** "2026-11-23", the last day, where one is chosen. */
  lastDay = $state('');
  lockIp = $state(false);
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** What is wrong with the day that was chosen; null: nothing. */
  get dayProblem(): string | null {
    if (this.accessEnd !== 'day') return null;
    const end = startOf(this.lastDay, 1);
    if (end === null) return 'Choose a day.';
    return end > this.#now() ? null : 'Choose a day that is not over.';
  }

  get ready(): boolean {
    return this.name.trim() !== '' && this.dayProblem === null;
  }

  asked(applicationUid: Uid): NewApplicationClient {
    return {
      ...{ applicationUid, name: this.name.trim(), form: this.form, lockIp: this.lockIp },
      tokenMs: Number(this.tokenLife) * minuteMs,
      accessExpiresAt: this.#accessExpiresAt(),
    };
  }

  #accessExpiresAt(): number {
    if (this.accessEnd === 'never') return 0;
    if (this.accessEnd === 'day') return startOf(this.lastDay, 1) ?? 0;
    return this.#now() + Number(this.accessEnd) * dayMs;
  }
}

import { explainError } from './error-text.ts';

export interface Toast {
  readonly id: number;
  readonly tone: 'plain' | 'danger';
  readonly title: string;
  readonly detail: string;
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

interface Wording {
  readonly title: string;
  readonly detail?: string;
  readonly tone?: Toast['tone'];
  readonly action?: Toast['action'];
  /** How long it stays; an error stays until it is dismissed. */
  readonly forMs?: number;
}

const most = 4;

/** Short messages at the edge of the screen. */
export class Toasts {
  shown = $state.raw<readonly Toast[]>([]);
  #next = 1;
  readonly #timers: { [id: number]: ReturnType<typeof setTimeout> } = {};

  say({ title, detail = '', tone = 'plain', action = null, forMs = 6_000 }: Wording): number {
    const id = this.#next++;
    const kept = this.shown.slice(-(most - 1));
    this.shown = [...kept, { id, tone, title, detail, action }];
    if (tone === 'plain') this.#timers[id] = setTimeout(() => this.dismiss(id), forMs);
    return id;
  }

  /** Says what failed, why, and what to do. */
  fail(error: unknown, what = ''): void {
    const { title, next } = explainError(error);
    this.say({ title: what === '' ? title : `${what}: ${lowerFirst(title)}`, detail: next, tone: 'danger' });
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers[id]);
    delete this.#timers[id];
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  clear(): void {
    for (const { id } of this.shown) this.dismiss(id);
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

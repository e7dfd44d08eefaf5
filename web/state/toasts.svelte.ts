import { explainError } from './error-text.ts';

export interface Toast {
  readonly id: number;
  readonly tone: 'plain' | 'danger';
  readonly title: string;
  readonly detail: string;
  readonly action: { readonly label: string; readonly run: () => void } | null;
  /** Of something that is under way: it stays until it is told otherwise. */
  readonly progress: Figures | null;
}

export interface Figures {
  readonly done: number;
  readonly of: number;
}

/** Something under way that is worth a word: nothing shows before there is something left to wait for. */
export interface Going {
  readonly show: (done: number, of: number) => void;
  readonly end: () => void;
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
    this.shown = [...kept, { id, tone, title, detail, action, progress: null }];
    if (tone === 'plain') this.#timers[id] = setTimeout(() => this.dismiss(id), forMs);
    return id;
  }

  /** How far something is, with a way to end it when there is one. */
  follow(title: string, cancel: (() => void) | null): Going {
    const id = this.#next++;
    const action = cancel && { label: 'Cancel', run: cancel };
    const toast = (progress: Figures): Toast => ({ id, tone: 'plain', title, detail: '', action, progress });
    return {
      show: (done, of) => {
        const others = this.shown.filter((shown) => shown.id !== id);
        if (others.length < this.shown.length)
          this.shown = this.shown.map((shown) => (shown.id === id ? toast({ done, of }) : shown));
        else if (done < of) this.shown = [...others.slice(-(most - 1)), toast({ done, of })];
      },
      end: () => this.dismiss(id),
    };
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

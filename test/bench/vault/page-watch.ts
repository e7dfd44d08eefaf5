// What is measured inside the page and its worker, by their own clocks.
import type { Page, Worker } from 'playwright';

export interface Measure {
  readonly name: string;
  readonly duration: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface Painted {
  /** From the event to the end of the frame that shows it. */
  readonly painted: number;
  /** From the event to the worker's answer; of a keystroke alone. */
  readonly answered: number;
}

declare global {
  interface Window {
    bench: {
      /** Of the next submit, until a row of the list is painted. */
      awaitRows(): void;
      /** Of the next key, until the answer to it is painted. */
      awaitAnswer(): void;
      /** Until the list says that it has so many; resolves with the time since the epoch. */
      awaitCount(text: string): void;
      result: Promise<Painted>;
      reached: Promise<number>;
      queryAnswered: (() => void) | null;
    };
    benchMeasures: Measure[];
  }
}

/** Runs in every page before its own scripts. */
export function watchPage(): void {
  // A task behind the next frame: a second frame, in which nothing changes, would wait for a tick of the display.
  const afterFrame = (done: () => void) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = done;
      port2.postMessage(null);
    });
  const queries = new Set<unknown>();
  const Native = window.Worker;
  window.Worker = class extends Native {
    constructor(...args: ConstructorParameters<typeof Native>) {
      super(...args);
      this.addEventListener('message', ({ data }: MessageEvent<{ id?: unknown }>) => {
        if (queries.delete(data.id) && queries.size === 0) window.bench.queryAnswered?.();
      });
    }
    override postMessage(message: { id?: unknown; path?: string[] }, transfer: never): void {
      if (message.path?.[0] === 'queryRecords') queries.add(message.id);
      super.postMessage(message, transfer);
    }
  };
  const untilShown = (isShown: () => boolean, done: () => void) => {
    const observer = new MutationObserver(look);
    function look() {
      if (!isShown()) return;
      observer.disconnect();
      afterFrame(done);
    }
    observer.observe(document, { subtree: true, childList: true, characterData: true });
    look();
  };
  const row = () => document.querySelector('[aria-label="Records"] [data-record]');
  const rows = () => row()?.closest('.whole.hidden') === null;
  const status = () => document.querySelector('.count[role="status"]')?.textContent?.trim() ?? '';
  window.bench = {
    result: Promise.resolve({ painted: 0, answered: 0 }),
    reached: Promise.resolve(0),
    queryAnswered: null,
    awaitRows: () => {
      window.bench.result = new Promise((resolve) => {
        const submitted = ({ timeStamp }: Event) =>
          untilShown(rows, () => resolve({ painted: performance.now() - timeStamp, answered: 0 }));
        addEventListener('submit', submitted, { once: true, capture: true });
      });
    },
    awaitAnswer: () => {
      window.bench.result = new Promise((resolve) => {
        const pressed = ({ timeStamp }: KeyboardEvent) => {
          window.bench.queryAnswered = () => {
            window.bench.queryAnswered = null;
            const answered = performance.now() - timeStamp;
            afterFrame(() => resolve({ painted: performance.now() - timeStamp, answered }));
          };
        };
        addEventListener('keydown', pressed, { once: true, capture: true });
      });
    },
    awaitCount: (text) => {
      window.bench.reached = new Promise((resolve) =>
        untilShown(
          () => status() === text,
          () => resolve(performance.timeOrigin + performance.now()),
        ),
      );
    },
  };
}

/** The vault's worker, with its measures kept from now on. */
export async function watchWorker(page: Page): Promise<Worker> {
  const worker = page.workers()[0] ?? (await page.waitForEvent('worker'));
  await worker.evaluate(() => {
    const scope = globalThis as unknown as Pick<Window, 'benchMeasures'>;
    scope.benchMeasures = [];
    new PerformanceObserver((list) => {
      for (const { name, duration, startTime } of list.getEntries())
        scope.benchMeasures.push({ name, duration, startedAt: performance.timeOrigin + startTime });
    }).observe({ type: 'measure' });
  });
  return worker;
}

/** The first measure of that name that began after `since` and whose end is seen now or later. */
export async function nextMeasure(worker: Worker, name: string, since = 0): Promise<Measure> {
  return await worker.evaluate(
    ([wanted, from]) =>
      new Promise<Measure>((resolve) => {
        const { benchMeasures } = globalThis as unknown as Pick<Window, 'benchMeasures'>;
        const look = () => {
          const found = benchMeasures.find((one) => one.name === wanted && one.startedAt >= from);
          if (found) resolve(found);
          return found !== undefined;
        };
        if (look()) return;
        // After the first observer, which was there earlier and keeps what both are told of.
        const observer = new PerformanceObserver(() => {
          if (look()) observer.disconnect();
        });
        observer.observe({ type: 'measure' });
      }),
    [name, since] as const,
  );
}

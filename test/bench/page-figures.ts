// What is measured inside the page: marks of a connect, and the time from a key to the changed picture.
import type { Page } from 'playwright';

/** Milliseconds between two keys of somebody who types fast. */
const shortestPause = 60;
const pauseSpread = 80;

export interface ConnectFigures {
  readonly total: number;
  /** Milliseconds after the click at which each leg was done. */
  readonly legs: ReadonlyMap<string, number>;
}

/** Of the session that connected since the marks were cleared. Waits for its first frame. */
export async function readConnectFigures(page: Page): Promise<ConnectFigures> {
  await page.waitForFunction(() => performance.getEntriesByName('sallyport:first-frame').length > 0);
  const marks = await page.evaluate(() =>
    performance.getEntriesByType('mark').map(({ name, startTime }) => [name, startTime] as const),
  );
  const at = new Map(marks.toReversed()); // of several marks of a name the first counts
  const start = at.get('sallyport:connect') ?? Number.NaN;
  const done = [...at].flatMap(([name, time]) => {
    const leg = /^sallyport:leg:(\w+):done$/.exec(name)?.[1];
    return leg === undefined ? [] : [[leg, time - start] as const];
  });
  return { total: (at.get('sallyport:first-frame') ?? Number.NaN) - start, legs: new Map(done) };
}

/**
 * Milliseconds from a key event to the first frame of the browser in which the terminal's picture is another one. Keys come with uneven
 * pauses, as a person's do: one that follows a drawn frame at once meets guacd and the browser in the same phase of
 * their frames each time, and whole runs then give twice the time of others.
 */
export async function measureKeyEcho(page: Page, count: number): Promise<number[]> {
  await page.evaluate(watchPicture);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    await page.waitForTimeout(shortestPause + Math.random() * pauseSpread);
    await page.evaluate(() => window.awaitPictureChange()); // listens before the key is sent
    await page.keyboard.press('x');
    times.push(await page.evaluate(() => window.pictureChange));
  }
  return times;
}

declare global {
  interface Window {
    awaitPictureChange(): void;
    pictureChange: Promise<number>;
  }
}

/** Runs in the page. The key's own event gives the start, so the driver's way to the page is not counted. */
function watchPicture(): void {
  // Of the session with the keyboard: reading the pictures of others takes the page longer than the session does.
  const seen = document.activeElement?.closest('[role="application"]') ?? document;
  const canvases = () => [
    ...seen.querySelectorAll<HTMLCanvasElement>(seen === document ? '[role="application"] canvas' : 'canvas'),
  ];
  const picture = () =>
    canvases()
      .filter(({ width, height }) => width > 200 && height > 100)
      .map((canvas) =>
        hash(canvas.getContext('2d')?.getImageData(0, 0, canvas.width, 40).data ?? new Uint8ClampedArray()),
      )
      .join();
  const hash = (data: Uint8ClampedArray) => {
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + (data[i] ?? 0)) | 0;
    return sum;
  };
  window.awaitPictureChange = () => {
    const before = picture();
    window.pictureChange = new Promise((resolve) => {
      // What counts is what a frame shows: a client that draws in between shows it no sooner than one that draws for the frame.
      const look = (start: number): void => {
        requestAnimationFrame(() =>
          setTimeout(() => {
            if (picture() !== before) resolve(performance.now() - start);
            else look(start);
          }),
        );
      };
      window.addEventListener('keydown', ({ timeStamp }) => look(timeStamp), { once: true, capture: true });
    });
  };
}

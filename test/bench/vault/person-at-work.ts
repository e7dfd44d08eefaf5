// A person in a browser of their own, in whose vault is measured.
import type { Browser, Page, Worker } from 'playwright';
import { person as account } from './filled-data.ts';
import { nextMeasure, watchPage, watchWorker, type Painted } from './page-watch.ts';
import { commonWord, rareTitle } from './sample-records.ts';

export interface FirstSync {
  /** Of the worker, from the first request to the last page taken over. */
  readonly sync: number;
  /** From the click to the list of everything. */
  readonly listed: number;
}

const locale = 'en-US';
/** Milliseconds between two keys: twice as fast as people type. */
const keyPause = 40;

export class PersonAtWork {
  readonly page: Page;
  readonly firstSync: FirstSync;
  #worker: Worker;

  private constructor(page: Page, worker: Worker, firstSync: FirstSync) {
    this.page = page;
    this.#worker = worker;
    this.firstSync = firstSync;
  }

  /** Signs in on a new browser, which brings everything. */
  static async enter(browser: Browser, url: string, count: number): Promise<PersonAtWork> {
    const context = await browser.newContext({
      ...{ viewport: { width: 1280, height: 720 }, locale },
      reducedMotion: 'reduce', // a wheel that turns at as many frames a second as there can be takes a processor
    });
    await context.addInitScript(watchPage);
    const page = await context.newPage();
    await page.goto(url);
    const worker = await watchWorker(page);
    await page.getByLabel('Email').fill(account.email);
    await page.getByLabel('Master password').fill(account.password);
    await page.evaluate((text) => window.bench.awaitCount(text), countText(count));
    const since = await page.evaluate(() => performance.timeOrigin + performance.now());
    await page.getByRole('button', { name: 'Sign in' }).click();
    const listed = (await page.evaluate(() => window.bench.reached)) - since;
    const { duration } = await nextMeasure(worker, 'sallyport:sync');
    await nextMeasure(worker, 'sallyport:snapshot'); // which the next unlock goes by
    return new PersonAtWork(page, worker, { sync: duration, listed });
  }

  /** Loads the page anew and unlocks it, again and again. */
  async unlock(rounds: number): Promise<{ total: number; localKey: number }[]> {
    const { page } = this;
    const figures: { total: number; localKey: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      await page.reload();
      this.#worker = await watchWorker(page);
      await page.getByLabel('Master password').pressSequentially(account.password, { delay: keyPause });
      await page.evaluate(() => window.bench.awaitRows());
      await page.getByRole('button', { name: 'Unlock' }).click();
      const { painted } = await page.evaluate(() => window.bench.result);
      const localKey = await nextMeasure(this.#worker, 'sallyport:local-key');
      figures.push({ total: painted, localKey: localKey.duration });
    }
    return figures;
  }

  /**
   * Types words that many, few and one of the records have, letter by letter. With a person's pauses: a key that follows
   * a painted frame at once would always come when the browser has just begun to wait for the next one.
   */
  async search(count: number): Promise<Painted[]> {
    const { page } = this;
    const field = page.getByLabel('Search records');
    const figures: Painted[] = [];
    for (const text of [commonWord, rareTitle(count).toLowerCase(), 'river tick', 'url:account', 'nothing']) {
      await field.fill('');
      await field.focus();
      for (const key of text.replaceAll(/\s/g, '').split('')) {
        await page.evaluate(() => window.bench.awaitAnswer());
        await page.waitForTimeout(keyPause);
        await page.keyboard.press(key);
        figures.push(await page.evaluate(() => window.bench.result));
      }
    }
    await field.fill('');
    return figures;
  }

  /** Listens for the list to say that it has so many. */
  async awaitCount(count: number): Promise<void> {
    await this.page.evaluate((text) => window.bench.awaitCount(text), countText(count));
  }

  /** What the page's clock says, as `countReached` does. */
  async now(): Promise<number> {
    return await this.page.evaluate(() => performance.timeOrigin + performance.now());
  }

  /** When it said so, since the epoch. */
  async countReached(): Promise<number> {
    return await this.page.evaluate(() => window.bench.reached);
  }

  /** What the worker's clock says, which is not this process's: each keeps the time of day at which it started. */
  async workerNow(): Promise<number> {
    return await this.#worker.evaluate(() => performance.timeOrigin + performance.now());
  }

  /** Milliseconds of the first sync that began then or later, by the worker's clock. */
  async syncSince(since: number): Promise<number> {
    return (await nextMeasure(this.#worker, 'sallyport:sync', since)).duration;
  }

  async leave(): Promise<void> {
    await this.page.context().close();
  }
}

function countText(count: number): string {
  return `${count.toLocaleString(locale)} records`;
}

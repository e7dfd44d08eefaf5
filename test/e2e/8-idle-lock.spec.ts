// A vault that nobody uses locks itself: after the time that a person chose, by the worker's clock, also when the device
// slept meanwhile and no timer ran.
import type { Locator, Page } from '@playwright/test';
import { expect, machines, test } from './house.ts';
import { row, searchFor, signIn, unlock } from './person.ts';

/** The device sleeps for so long: the clocks of page and worker go on, and no timer runs. */
async function sleep(page: Page, seconds: number): Promise<void> {
  const ms = seconds * 1_000;
  await page.evaluate((slept) => {
    const now = performance.now.bind(performance);
    performance.now = () => now() + slept;
  }, ms);
  expect(page.workers().length).toBeGreaterThan(0);
  for (const worker of page.workers())
    await worker.evaluate((slept) => {
      const now = Date.now;
      Date.now = () => now() + slept;
    }, ms);
}

const notice = (page: Page) => page.getByText('Locked after a while without use');
const open = (page: Page) => page.getByRole('button', { name: 'New record' });

async function lockAfter(page: Page): Promise<Locator> {
  await page.getByRole('link', { name: 'Settings' }).click();
  return page.getByLabel('Lock after');
}

/** What the vault answers to a search it answers after it has heard of the use. */
async function useIt(page: Page): Promise<void> {
  await searchFor(page, 'nothing of this name');
  await expect(page.getByText('Nothing found')).toBeVisible();
  await page.getByLabel('Search records').fill(machines.password);
  await expect(row(page, machines.password).first()).toBeVisible();
}

async function sleepTooLong(page: Page): Promise<void> {
  await sleep(page, 61);
  await page.keyboard.press('Shift');
  await expect(notice(page)).toBeVisible();
  await expect(open(page)).toHaveCount(0);
}

test('locks after the time without use that was chosen, which a reload does not forget', async ({
  house,
}) => {
  const page = await house.newBrowser();
  await signIn(page, house.installation.server.url);
  await (await lockAfter(page)).selectOption({ label: '1 minute' });
  for (let naps = 0; naps < 2; naps++) {
    await sleep(page, 50);
    await useIt(page);
  }
  await sleepTooLong(page);
  await page.reload();
  await unlock(page);
  await expect(await lockAfter(page)).toHaveValue('1');
  await useIt(page);
  await sleepTooLong(page);
  await page.context().close();
});

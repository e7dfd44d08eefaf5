import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { judgeRecording } from '../../scripts/recordings/verdict.ts';
import { expectAccessible } from './accessible.ts';
import { machines, test, expect } from './house.ts';
import { connect, createMachine, disconnect, openRecord, run, targetFile, terminal } from './person.ts';
import { countPixels, isTerminalGreen } from './pixels.ts';

test.describe.configure({ mode: 'serial' });

const recorded = 'Recorded server';
const position = (page: Page) => page.getByRole('slider', { name: 'Position' });
const screen = (page: Page) => page.getByRole('img', { name: 'The recorded screen' });
const greenOn = async (page: Page) => countPixels(await screen(page).screenshot(), isTerminalGreen);
test('a session of a machine that is recorded comes to the list, by what its gateway signed', async ({
  house,
}) => {
  const { page, installation } = house;
  const { host, port, username } = installation.target;
  await createMachine(page, {
    ...{ title: recorded, host, port, gateway: 'Office', credential: `Builder (${username})` },
    switches: ['Record the picture', 'Record the text of terminals'],
  });
  await connect(page, recorded);
  const green = "for i in 1 2 3 4 5 6; do printf '\\033[42m%40s\\033[0m\\n' ''; done";
  await run(page, `echo "needle-$((40+2))"; echo > begun.txt`);
  await targetFile(installation, 'begun.txt');
  await run(page, `clear; ${green}; echo > green.txt`);
  await targetFile(installation, 'green.txt');
  // What the page shows, the recorder saw before: ended any sooner, a slow guacd would not have drawn it.
  const shown = async () => countPixels(await terminal(page).screenshot(), isTerminalGreen);
  await expect.poll(shown).toBeGreaterThan(6 * 40 * 15);
  await disconnect(page);
  await openRecord(page, recorded);
  await page.getByRole('link', { name: 'Show them' }).click();
  await expect(page.getByRole('heading', { name: `Recordings of ${recorded}` })).toBeVisible();
  const rows = page.getByRole('list', { name: `Recordings of ${recorded}` }).getByRole('listitem');
  const row = rows.filter({ hasText: /Ended\b(?!:)/ });
  await expect(async () => {
    await page.getByRole('button', { name: 'Refresh' }).click();
    await expect(row).toHaveCount(1, { timeout: 2_000 });
  }).toPass({ timeout: 60_000 });
  await expect(row).toContainText('ada@example.org');
  await expect(row).toContainText('picture and text');
  await expectAccessible(page, 'recordings');
});

test('it is whole, ends with the picture that was there, and goes anywhere by keyboard', async ({
  house,
}) => {
  const { page } = house;
  await page
    .getByRole('listitem')
    .filter({ hasText: /Ended\b(?!:)/ })
    .getByRole('link', { name: recorded })
    .click();
  await expect(page.locator('[data-verdict="complete"]')).toContainText('Complete, signed by gateway Office');
  await position(page).focus();
  await page.keyboard.press('End');
  // Six lines of forty cells; of a picture that is shown at a quarter of its size still this much.
  await expect.poll(() => greenOn(page)).toBeGreaterThan(6 * 40 * 15);
  await expectAccessible(page, 'recording');
  await page.screenshot({ path: 'test-results/screens/recording-terminal.png' });
  await page.getByRole('button', { name: 'Show as text' }).click();
  await expect(page.getByRole('region', { name: 'Text of the terminal' })).toContainText('needle-42');
  await expectAccessible(page, 'recording-as-text');
  await page.getByRole('button', { name: 'Show the screen' }).click();
  await expect.poll(() => greenOn(page)).toBeGreaterThan(6 * 40 * 15);
  await position(page).focus();
  await page.keyboard.press('Home');
  await expect(position(page)).toHaveAttribute('aria-valuenow', '0');
  await expect.poll(() => greenOn(page)).toBeLessThan(200);
  await page.getByLabel('Speed').selectOption('16×');
  await page.getByRole('button', { name: 'Play' }).click();
  await expect.poll(() => greenOn(page), { timeout: 60_000 }).toBeGreaterThan(6 * 40 * 15);
});

test('a word on its screen is found, and leads to the moment', async ({ house }) => {
  const { page } = house;
  await page.getByRole('searchbox', { name: 'Search in this recording' }).fill('NEEDLE-42');
  const hit = page
    .getByRole('region', { name: 'Search in this recording' })
    .getByRole('listitem')
    .filter({ hasText: /^\S+\s*needle-42\s*$/ });
  await expect(hit).toHaveCount(1);
  await hit.getByRole('button').click();
  await expect.poll(() => greenOn(page)).toBeLessThan(200);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: 'test-results/screens/recording-phone.png', fullPage: true });
  const wider = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wider, 'no sideways scrolling').toBe(false);
  await page.setViewportSize({ width: 1280, height: 720 });
});

test('it is downloaded as the gateway sealed it, and the verifier finds it whole', async ({ house }) => {
  const { page } = house;
  await page.getByRole('button', { name: 'Download' }).click();
  const dialog = page.getByRole('dialog', { name: 'Download recording' });
  await expect(dialog).toContainText('npm run verify-recording');
  const coming = page.waitForEvent('download');
  await dialog.getByRole('button', { name: /^Download, / }).click();
  const download = await coming;
  expect(download.suggestedFilename()).toMatch(/^Recorded server .*\.recording$/);
  const path = await download.path();
  expect(readFileSync(path).toString('latin1')).not.toContain('needle-42');
  const verdict = await judgeRecording({ path, gatewayKey: null, recordingKey: null });
  expect(verdict).toMatchObject({ faults: [], unreadable: null, closing: { reason: 'closed' } });
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click();
  await page.getByRole('link', { name: 'All records' }).click();
  await openRecord(page, machines.password);
});

test('it is held, and administrators say how long all of them are kept', async ({ house }) => {
  const { page } = house;
  await page.getByRole('link', { name: 'Recordings', exact: true }).click();
  const row = page.getByRole('list', { name: 'Recordings' }).getByRole('listitem').first();
  await expect(row).toContainText(/Kept until /);
  await row.getByRole('button', { name: 'Hold this recording' }).click();
  const dialog = page.getByRole('dialog', { name: 'Hold this recording' });
  await expectAccessible(page, 'recording-hold');
  await dialog.getByRole('button', { name: 'Hold', exact: true }).click();
  await expect(row).toContainText('Held');
  await row.getByRole('button', { name: 'Delete this recording' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(page.getByText('Somebody holds this recording')).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();

  await page.getByRole('link', { name: 'Keeping' }).click();
  const days = page.getByLabel('Days to keep a recording after its end');
  await days.fill('4000');
  await expect(page.getByText('A whole number from 1 to 365')).toBeVisible();
  await days.fill('90');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText(/Set and signed on/)).toBeVisible();
  await page.screenshot({ path: 'test-results/screens/recording-keeping.png' });
  await expectAccessible(page, 'recording-keeping');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: 'test-results/screens/recording-keeping-phone.png', fullPage: true });
  const wider = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wider, 'no sideways scrolling').toBe(false);
  await page.setViewportSize({ width: 1280, height: 720 });
  const held = page.getByRole('list', { name: 'Held recordings' }).getByRole('listitem');
  await expect(held).toContainText(recorded);
  await held.getByRole('button', { name: `Release ${recorded}` }).click();
  await expect(held).toHaveCount(0);
  await page.getByRole('link', { name: 'Recordings', exact: true }).last().click();
  await expect(row).toContainText(/Kept until /);
  await page.screenshot({ path: 'test-results/screens/recordings-kept.png' });
});

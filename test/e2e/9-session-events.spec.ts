import { readFileSync } from 'node:fs';
import { expectAccessible } from './accessible.ts';
import { expect, machines, test } from './house.ts';
import { connect, createMachine, disconnect, terminal } from './person.ts';

test.describe.configure({ mode: 'serial' });

test('who connected, and how that ended, is in the list of events, filtered and saved', async ({ house }) => {
  const { page } = house;
  await connect(page, machines.password);
  await disconnect(page);
  await page.getByRole('link', { name: 'Events', exact: true }).first().click();
  const rows = page.getByRole('list', { name: 'Session events' }).getByRole('listitem');
  await expect(async () => {
    await page.getByRole('button', { name: 'Refresh' }).click();
    await expect(rows.first()).toContainText('Session over', { timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await expect(rows.first()).toContainText('ada@example.org');
  await expect(rows.nth(1)).toContainText('Session began');
  await expect(rows.nth(1)).toContainText('through Office');
  await page.screenshot({ path: 'test-results/screens/session-events.png' });
  await expectAccessible(page, 'session-events');
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'CSV' }).click();
  const saved = await (await coming).path();
  expect(readFileSync(saved, 'utf8')).toMatch(/,ended,.*ada@example\.org/);
  await page.getByLabel('Kind').selectOption('Files');
  await expect(rows.filter({ hasText: /Session began|Session over/ })).toHaveCount(0);
  await page.getByLabel('Until').fill('2001-01-01');
  await expect(page.getByText('Nothing fits')).toBeVisible();
  await page.getByLabel('Until').fill('');
  await page.getByLabel('Kind').selectOption('Sessions');
  await rows.first().getByRole('button').click();
  await expect(page.getByRole('heading', { name: `Events of ${machines.password}` })).toBeVisible();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: 'test-results/screens/session-events-phone.png', fullPage: true });
  const wider = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wider, 'no sideways scrolling').toBe(false);
  await page.setViewportSize({ width: 1280, height: 720 });
});

test('a file that went to the machine is an event, without its name', async ({ house }) => {
  const { page, installation } = house;
  const { host, port, username } = installation.target;
  const place = { host, port, gateway: 'Office', credential: `Builder (${username})` };
  await page.getByRole('link', { name: 'All records' }).click();
  await createMachine(page, { ...place, title: 'Noted files', switches: ['Files by SFTP'] });
  await connect(page, 'Noted files');
  const dataTransfer = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(5_000)], 'plan-of-the-attic.bin'));
    return transfer;
  });
  for (const kind of ['dragenter', 'dragover', 'drop'])
    await terminal(page).dispatchEvent(kind, { dataTransfer });
  await expect(page.getByText('Uploaded, 5 kB')).toBeVisible({ timeout: 60_000 });
  await disconnect(page);
  await page.getByRole('link', { name: 'Events', exact: true }).first().click();
  await page.getByLabel('Kind').selectOption('Files');
  const all = page.getByRole('list', { name: 'Session events' }).getByRole('listitem');
  const rows = all.filter({ hasText: 'Noted files' }); // there may be others, of other machines
  await expect(async () => {
    await page.getByRole('button', { name: 'Refresh' }).click();
    await expect(rows).toHaveCount(1, { timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await expect(rows).toContainText('1 file to the machine, 5 kB');
  await expect(page.locator('body')).not.toContainText('plan-of-the-attic');
});

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from './house.ts';
import { openRecord, save, startRecord } from './person.ts';

const secret = 'guest wifi 90210';

test('files go up, are looked at, come down as they were, and leave with an undo', async ({ house }) => {
  const { page } = house;
  await startRecord(page, 'Login', 'Papers');
  await page.getByLabel('Login', { exact: true }).fill('ada');
  await save(page);
  const large = randomBytes(3 * 1024 * 1024 + 5);
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>document.title="run"</script></svg>';
  await page
    .getByLabel('Attachments')
    .locator('input[type=file][multiple]')
    .setInputFiles([
      { name: 'backup.bin', mimeType: 'application/octet-stream', buffer: large },
      { name: 'logo.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(svg) },
    ]);
  const row = (name: string) => page.getByRole('listitem').filter({ hasText: name });
  await expect(row('backup.bin').getByRole('button', { name: 'Download backup.bin' })).toBeVisible();
  await expect(row('logo.svg').getByRole('button', { name: 'Download logo.svg' })).toBeVisible();

  await page.getByRole('button', { name: 'Preview logo.svg' }).click();
  await expect(page.getByLabel('Content of logo.svg')).toHaveText(svg);
  expect((await new AxeBuilder({ page }).include('[role=dialog]').analyze()).violations).toEqual([]);
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  expect(await page.title()).not.toBe('run');

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download backup.bin' }).click(),
  ]);
  expect(readFileSync(await download.path()).equals(large)).toBe(true);

  await page.getByRole('button', { name: 'More for backup.bin' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await expect(row('backup.bin')).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(row('backup.bin')).toBeVisible();
  expect((await new AxeBuilder({ page }).include('[aria-label=Attachments]').analyze()).violations).toEqual(
    [],
  );
});

test('a share link shows what was chosen, once, to a browser that has no account, and tells nobody its key', async ({
  house,
  browser,
}) => {
  const { page, installation } = house;
  installation.secrets.add(secret);
  await startRecord(page, 'Login', 'Guest Wi-Fi');
  await page.getByLabel('Login', { exact: true }).fill('guest');
  await page.getByLabel('Password', { exact: true }).fill(secret);
  await save(page);
  await openRecord(page, 'Guest Wi-Fi');
  await page.getByRole('button', { name: 'Share by link' }).click();
  await page.getByRole('checkbox', { name: /password/i }).check();
  await page.getByRole('button', { name: 'Make link' }).click();
  const url = await page.getByLabel('Link', { exact: true }).inputValue();
  await page.getByRole('button', { name: 'Done' }).click();
  const fragment = url.split('#share=')[1] ?? '';
  expect(fragment).toHaveLength(64);

  const context = await browser.newContext({ viewport: { width: 390, height: 800 } });
  const guest = await context.newPage();
  const seen: string[] = [];
  guest.on('request', (request) => {
    seen.push(request.url(), JSON.stringify(request.headers()));
    seen.push((request.postDataBuffer() ?? Buffer.alloc(0)).toString('latin1'));
  });
  await guest.goto(url);
  await expect(guest.getByRole('heading', { name: 'Somebody shared something with you' })).toBeVisible();
  expect(guest.url()).not.toContain(fragment);
  await expect(guest.getByText('1 view is left')).toBeVisible();
  expect((await new AxeBuilder({ page: guest }).analyze()).violations).toEqual([]);
  await guest.getByRole('button', { name: 'Show it now' }).click();
  await expect(guest.getByRole('heading', { name: 'Guest Wi-Fi' })).toBeVisible();
  await expect(guest.getByText(secret)).toHaveCount(0);
  await guest.getByRole('button', { name: 'Show password' }).click();
  await expect(guest.getByText(secret)).toBeVisible();
  expect((await new AxeBuilder({ page: guest }).analyze()).violations).toEqual([]);

  const key = Buffer.from(fragment, 'base64url').subarray(16);
  const forms = [fragment, key.toString('latin1'), key.toString('hex'), key.toString('base64').slice(0, 40)];
  expect(seen.length).toBeGreaterThan(10);
  expect(seen.filter((text) => forms.some((form) => text.includes(form)))).toEqual([]);

  await guest.goto('about:blank');
  await guest.goto(url);
  await expect(guest.getByRole('heading', { name: 'This link shows nothing any more' })).toBeVisible();
  await context.close();
});

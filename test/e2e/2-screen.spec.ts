// What lies around and over a session's picture, against a real shell.
import { expectAccessible } from './accessible.ts';
import { expect, machines, test } from './house.ts';
import { connect, run, targetFile } from './person.ts';

test.describe.configure({ mode: 'serial' });

/** The narrowest that WCAG 1.4.10 knows. */
const phone = { width: 320, height: 640 };
const window = { width: 1280, height: 720 };

test('keys that the browser keeps are sent from a panel, which gives the keyboard back', async ({
  house,
}) => {
  const { page, installation } = house;
  await connect(page, machines.password);
  const waiting = "trap 'echo interrupted > by-panel.txt; exit' INT; echo > panel-waits.txt; cat > /dev/null";
  await run(page, `sh -c "${waiting}"`);
  await targetFile(installation, 'panel-waits.txt');
  await page.getByRole('button', { name: 'Keys', exact: true }).click();
  const panel = page.getByRole('region', { name: 'Keys' });
  await expectAccessible(page, 'session-keys');
  await panel.getByRole('button', { name: 'Ctrl C', exact: true }).click();
  expect(await targetFile(installation, 'by-panel.txt')).toBe('interrupted');
  await page.keyboard.press('Escape');
  await expect(panel).toBeHidden();
  await page.keyboard.type('echo back > panel-back.txt\n');
  expect(await targetFile(installation, 'panel-back.txt')).toBe('back');
});

test('on a narrow screen the bar keeps everything in reach', async ({ house }) => {
  const { page } = house;
  await page.setViewportSize(phone);
  const bar = page.getByRole('toolbar', { name: 'Session' });
  await bar.getByRole('button', { name: 'More for this session' }).click();
  await page.getByRole('menuitem', { name: 'Keys' }).click();
  await expect(page.getByRole('region', { name: 'Keys' })).toBeVisible();
  await expectAccessible(page, 'session-phone');
  const wider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  expect(wider).toBe(false);
  await page.getByRole('button', { name: 'Close keys' }).click();
  await page.setViewportSize(window);
  await expect(bar.getByRole('button', { name: 'Full screen' })).toBeVisible();
});

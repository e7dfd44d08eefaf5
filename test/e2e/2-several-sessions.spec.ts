// Sessions of one page beside each other, some of them busy: what is drawn is right, and what is typed arrives.
import { expect, machines, test } from './house.ts';
import { closeSessions, connect, run, targetFile, terminal } from './person.ts';
import { countPixels, isTerminalGreen } from './pixels.ts';

test.describe.configure({ mode: 'serial' });

const greenField = "for i in 1 2 3 4 5 6; do printf '\\033[42m%40s\\033[0m\\n' ''; done";

test('a session that floods while nobody sees it shows how that ended as soon as it is seen', async ({
  house,
}) => {
  const { page, installation } = house;
  await closeSessions(page);
  await connect(page, machines.password);
  const awaited = 'until [ -e flood-begins.txt ]; do sleep 0.1; done';
  await run(page, `${awaited}; seq 1 300000; clear; ${greenField}; echo over > flood-over.txt`);
  await connect(page, machines.key);
  await page.keyboard.type('echo > flood-begins.txt; echo begun > beside-flood.txt\n');
  expect(await targetFile(installation, 'beside-flood.txt')).toBe('begun');
  expect(await targetFile(installation, 'flood-over.txt')).toBe('over');
  await page.getByRole('tab', { name: machines.password }).first().click();
  // Six lines of forty cells; at the smallest font a cell has over 60 pixels.
  await expect
    .poll(async () => countPixels(await terminal(page).screenshot(), isTerminalGreen), { timeout: 15_000 })
    .toBeGreaterThan(6 * 40 * 60);
  await page.keyboard.type('echo on > after-flood.txt\n');
  expect(await targetFile(installation, 'after-flood.txt')).toBe('on');
});

test('what is typed beside a tile that floods arrives as it was typed, and the flood goes on and ends by a key', async ({
  house,
}) => {
  const { page, installation } = house;
  const text = Array.from({ length: 40 }, (_, at) => `${at} quick foxes`).join(', ');
  await page.getByRole('button', { name: 'Two side by side' }).click();
  await expect(terminal(page)).toHaveCount(2);
  await page.getByRole('application', { name: /of Build server$/ }).click();
  await page.keyboard.type('yes "the quick brown fox jumps over the lazy dog"\n');
  await page.getByRole('application', { name: /by key$/ }).click();
  await page.keyboard.type(`cat > beside-tile.txt\n${text}\n`);
  await page.keyboard.press('Control+d');
  expect(await targetFile(installation, 'beside-tile.txt')).toBe(text);
  await page.getByRole('application', { name: /of Build server$/ }).click();
  await page.keyboard.press('Control+c');
  await page.keyboard.type(`clear; ${greenField}; echo ended > tile-flood.txt\n`);
  expect(await targetFile(installation, 'tile-flood.txt')).toBe('ended');
  const first = page.getByRole('application', { name: /of Build server$/ });
  await expect
    .poll(async () => countPixels(await first.screenshot(), isTerminalGreen), { timeout: 15_000 })
    .toBeGreaterThan(6 * 40 * 60);
  await page.getByRole('button', { name: 'One session' }).click();
  await page.getByRole('button', { name: 'Close tab' }).click();
  await page.getByRole('button', { name: 'Close tab' }).click();
});

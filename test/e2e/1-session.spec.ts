import { existsSync } from 'node:fs';
import { machines, test, expect } from './house.ts';
import type { Installation } from './installation.ts';
import { connect, run, targetFile, terminal } from './person.ts';
import { countPixels, isTerminalGreen } from './pixels.ts';

test.describe.configure({ mode: 'serial' });

/** The gateway is there and answers nobody meanwhile. What a browser calls offline leaves its peer connections be. */
async function withoutGateway({ gateway }: Installation, work: () => Promise<void>): Promise<void> {
  const pid = gateway?.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  try {
    await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

test('a password machine gives a shell, and what is typed happens on the target', async ({ house }) => {
  const { page, installation } = house;
  await connect(page, machines.password);
  await run(page, 'echo "typed $((6*7))" > typed.txt');
  expect(await targetFile(installation, 'typed.txt')).toBe('typed 42');
});

test('what the target prints is drawn: a green field has the size it was printed with', async ({ house }) => {
  const { page, installation } = house;
  const green = "for i in 1 2 3 4 5 6; do printf '\\033[42m%40s\\033[0m\\n' ''; done; echo drawn > drawn.txt";
  await run(page, `clear; ${green}`);
  await targetFile(installation, 'drawn.txt');
  // Six lines of forty cells; at the smallest font a cell has over 60 pixels.
  await expect
    .poll(async () => countPixels(await terminal(page).screenshot(), isTerminalGreen))
    .toBeGreaterThan(6 * 40 * 60);
  await page.screenshot({ path: 'test-results/terminal.png' });
});

test('keys of the person’s layout arrive: letters, symbols, umlauts, control', async ({ house }) => {
  const { page, installation } = house;
  await run(page, "cat > keys.txt <<'X'");
  await run(page, 'aZ09 @{}[]|~\\ "quoted" äöüß €');
  await run(page, 'X');
  expect(await targetFile(installation, 'keys.txt')).toBe('aZ09 @{}[]|~\\ "quoted" äöüß €');
  // A terminal drops what was typed ahead of an interrupt: nothing is, until each of them has been seen.
  const waiting = "trap 'echo interrupted > interrupted.txt; exit' INT; echo > waiting.txt; cat > /dev/null";
  await run(page, `sh -c "${waiting}"`);
  await targetFile(installation, 'waiting.txt');
  await page.keyboard.press('Control+C');
  expect(await targetFile(installation, 'interrupted.txt')).toBe('interrupted');
});

test('resizing the window resizes the terminal on the target', async ({ house }) => {
  const { page, installation } = house;
  await run(page, 'stty size > size-before.txt');
  const before = await targetFile(installation, 'size-before.txt');
  const [rows, columns] = before.split(' ').map(Number);
  await page.setViewportSize({ width: 1000, height: 600 });
  const size = async () => {
    await run(page, 'stty size > size-after.txt');
    return (installation.target.homeFile('size-after.txt') ?? before).split(' ').map(Number);
  };
  await expect.poll(async () => (await size())[1]).toBeLessThan(columns ?? 0);
  await expect.poll(async () => (await size())[0]).toBeLessThan(rows ?? 0);
  await page.setViewportSize({ width: 1280, height: 720 });
});

test('a paste arrives whole, by the browser’s own paste event', async ({ house }) => {
  const { page, installation } = house;
  const text = 'pasted: äöü $(not run) — 漢字';
  await page.evaluate((value) => navigator.clipboard.writeText(value), text);
  await run(page, "cat > pasted.txt <<'X'");
  await page.keyboard.press('Control+V');
  await run(page, '\nX');
  expect(await targetFile(installation, 'pasted.txt')).toBe(text);
});

test('text selected in the terminal reaches the clipboard', async ({ house }) => {
  const { page } = house;
  await page.evaluate(() => navigator.clipboard.writeText('before'));
  await run(page, 'clear; echo copyfromhere');
  const box = await terminal(page).boundingBox();
  if (box === null) throw new Error('the terminal has no place on the page');
  const line = { y: box.y + 16, from: box.x + 9, to: box.x + 300 };
  await expect
    .poll(async () => {
      await page.mouse.move(line.from, line.y);
      await page.mouse.down();
      await page.mouse.move(line.to, line.y, { steps: 8 });
      await page.mouse.up();
      return await page.evaluate(() => navigator.clipboard.readText());
    })
    .toContain('copyfromhere');
});

test('latency is shown, and a second machine opens beside the first, with a key', async ({ house }) => {
  const { page, installation } = house;
  const bar = page.getByRole('toolbar', { name: 'Session' });
  await expect(bar).toContainText(/gateway \d+(\.\d+)? ?\+ ?target \d+(\.\d+)? ms/);
  await connect(page, machines.key);
  await run(page, 'echo by key > key.txt');
  expect(await targetFile(installation, 'key.txt')).toBe('by key');
  await expect(page.getByRole('tab')).toHaveCount(2);
});

test('a gateway that is lost is waited for: the same shells go on, and nothing typed meanwhile reaches them', async ({
  house,
}) => {
  const { page, installation } = house;
  await run(page, 'echo $$ > shell-before.txt');
  const shell = await targetFile(installation, 'shell-before.txt');
  const reconnecting = page.getByRole('status', { name: /^Reconnecting to/ });
  await withoutGateway(installation, async () => {
    await expect(reconnecting).toBeVisible();
    await page.keyboard.type('echo held back > held.txt\n');
  });
  await expect(reconnecting).toBeHidden();
  await expect(terminal(page)).toBeVisible();
  await run(page, 'echo $$ > shell-after.txt');
  expect(await targetFile(installation, 'shell-after.txt')).toBe(shell);
  expect(installation.target.homeFile('held.txt')).toBeNull();
});

test('who does not want to wait cancels', async ({ house }) => {
  const { page, installation } = house;
  await withoutGateway(installation, async () => {
    await page
      .getByRole('status', { name: /^Reconnecting to/ })
      .getByRole('button', { name: 'Cancel' })
      .click();
    await expect(page.getByRole('heading', { name: 'Disconnected' })).toBeVisible();
  });
  await page.getByRole('button', { name: 'Reconnect' }).click();
  await expect(terminal(page)).toBeVisible();
});

test('Disconnect ends the shell on the target, and Reconnect opens a new one', async ({ house }) => {
  const { page, installation } = house;
  await run(page, 'echo $$ > shell.txt');
  const shell = await targetFile(installation, 'shell.txt');
  expect(existsSync(`/proc/${shell}`)).toBe(true);
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await expect.poll(() => existsSync(`/proc/${shell}`)).toBe(false);
  await page.getByRole('button', { name: 'Reconnect' }).click();
  await expect(terminal(page)).toBeVisible();
  await run(page, 'echo again > again.txt');
  expect(await targetFile(installation, 'again.txt')).toBe('again');
});

// Two colleagues, each in a browser of their own: one shares a live session, the other looks on, types, and is out.
import type { Page } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { expect, machines, test } from './house.ts';
import { connect, newMember, run, targetFile, terminal } from './person.ts';
import { countPixels, isTerminalGreen } from './pixels.ts';

test.describe.configure({ mode: 'serial' });

const vera = 'vera@example.org';
let other: Page;

const dialogOf = (page: Page) => page.getByRole('dialog', { name: 'Share this session' });

/** From the session that shows. */
async function share(page: Page, may: string): Promise<void> {
  await page
    .getByRole('toolbar', { name: 'Session' })
    .getByRole('button', { name: /^Share/ })
    .click();
  const dialog = dialogOf(page);
  await dialog.getByLabel('With').selectOption({ label: vera });
  await dialog.getByLabel('They may').selectOption({ label: may });
  await dialog.getByRole('button', { name: 'Share', exact: true }).click();
  await expect(dialog.getByRole('region', { name: 'Shared with' })).toContainText(vera);
}

const invitation = (page: Page) => page.getByRole('region', { name: 'Shared with me, live' });

async function join(page: Page): Promise<void> {
  await invitation(page)
    .getByRole('button', { name: new RegExp(`^Join ${machines.password}`) })
    .click();
  await expect(terminal(page)).toBeVisible({ timeout: 30_000 });
}

test('who is invited hears of it, joins, and sees what the owner sees', async ({ house }) => {
  const { page, installation } = house;
  ({ page: other } = await newMember(house, vera));
  await connect(page, machines.password);
  const green = "for i in 1 2 3 4 5 6; do printf '\\033[42m%40s\\033[0m\\n' ''; done; echo drawn > seen.txt";
  await run(page, `clear; ${green}`);
  await targetFile(installation, 'seen.txt');
  await share(page, 'Look on');
  await expectAccessible(page, 'share-session');
  await dialogOf(page).getByRole('button', { name: 'Close' }).click();
  await expect(other.getByText(/shares .* live|shares /i).first()).toBeVisible();
  await expect(invitation(other)).toContainText('ada@example.org');
  await expectAccessible(other, 'invited-session');
  await join(other);
  await expect
    .poll(async () => countPixels(await terminal(other).screenshot(), isTerminalGreen), { timeout: 30_000 })
    .toBeGreaterThan(6 * 40 * 40);
  await expect(other.getByText('You look on')).toBeVisible();
  await expect(page.getByRole('button', { name: new RegExp(vera) })).toBeVisible();
  await expectAccessible(page, 'session-with-a-guest');
  await expectAccessible(other, 'guest-in-a-session');
});

test('who looks on types in vain; the owner takes it back, and they are out at once', async ({ house }) => {
  const { page, installation } = house;
  await run(other, 'echo by the onlooker > onlooker.txt');
  await run(page, 'echo by the owner > owner.txt');
  expect(await targetFile(installation, 'owner.txt')).toBe('by the owner');
  expect(installation.target.homeFile('onlooker.txt')).toBe(null);
  await page.getByRole('button', { name: new RegExp(vera) }).click();
  await dialogOf(page)
    .getByRole('button', { name: `Take back from ${vera}` })
    .click();
  await expect(other.getByRole('heading', { name: 'You are out of the session' })).toBeVisible();
  await expect(invitation(other)).toHaveCount(0);
  await expectAccessible(other, 'out-of-a-session');
  await expect(dialogOf(page).getByRole('region', { name: 'Shared with' })).toHaveCount(0);
  await dialogOf(page).getByRole('button', { name: 'Close' }).click();
  await expect(page.getByRole('button', { name: new RegExp(vera) })).toHaveCount(0);
});

test('who may type does, at a window of another size that changes nothing for the owner', async ({
  house,
}) => {
  const { page, installation } = house;
  await other.getByRole('toolbar', { name: 'Session' }).getByRole('button', { name: 'Close' }).click();
  await share(page, 'Look on and type');
  await dialogOf(page).getByRole('button', { name: 'Close' }).click();
  await run(page, 'stty size > size-alone.txt');
  const alone = await targetFile(installation, 'size-alone.txt');
  await other.setViewportSize({ width: 900, height: 560 });
  await join(other);
  await expect(other.getByText('You may type')).toBeVisible();
  await run(other, 'stty size > size-shared.txt');
  expect(await targetFile(installation, 'size-shared.txt')).toBe(alone);
  await run(page, 'echo together > together.txt');
  expect(await targetFile(installation, 'together.txt')).toBe('together');
});

test('with the owner’s end everybody is out', async ({ house }) => {
  await house.page.getByRole('button', { name: 'Disconnect' }).click();
  await expect(other.getByRole('heading', { name: 'The session is over' })).toBeVisible();
  await other.close();
});

// Two administrators, each in a browser of their own: one looks on at the other's session, seen and unseen, and ends it.
import type { Page } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { expect, machines, test } from './house.ts';
import { closeSessions, connect, newMember, run, targetFile, terminal } from './person.ts';
import { countPixels, isTerminalGreen } from './pixels.ts';

test.describe.configure({ mode: 'serial' });

/** What a person is told before anybody looks on. */
const mayLookOn = 'Administrators may look on at this session. You see it when one does.';
const wim = 'wim@example.org';
const ada = 'ada@example.org';
let other: Page;

const policy = (page: Page) => page.getByRole('dialog', { name: /^Who may watch sessions over/ });
const live = (page: Page) => page.getByRole('list', { name: 'Live sessions' });
async function openPolicy(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Gateways' }).click();
  await page.getByRole('button', { name: /^Who may watch/ }).click();
  await expect(policy(page).getByLabel(wim)).toBeVisible();
}

async function sign(page: Page): Promise<void> {
  await policy(page).getByRole('button', { name: 'Sign and hand over' }).click();
}

async function watch(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Live sessions' }).click();
  await live(page)
    .getByRole('button', { name: new RegExp(`^Watch the session of ${ada}`) })
    .click();
  await expect(terminal(page)).toBeVisible({ timeout: 30_000 });
}

/** The session that shows, and its tab. */
async function leave(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Leave', exact: true }).click();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
}

test('who owns a gateway says who may watch over it, and signs that', async ({ house }) => {
  const { page } = house;
  await closeSessions(page);
  ({ page: other } = await newMember(house, wim));
  await expect(other.getByRole('link', { name: 'Live sessions' })).toHaveCount(0);
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByRole('button', { name: `Actions for ${wim}` }).click();
  await page.getByRole('menuitem', { name: 'Make administrator' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make administrator' }).click();
  await other.getByRole('link', { name: 'Live sessions' }).click();
  await expect(other.getByText('Some gateways are not in this list')).toBeVisible();
  await expectAccessible(other, 'live-sessions-of-nobody');
  await openPolicy(page);
  await policy(page).getByLabel(wim).check();
  await expectAccessible(page, 'session-policy');
  await sign(page);
  await expect(policy(page)).toHaveCount(0);
  await expect(other.getByText('Nothing runs now')).toBeVisible();
});

test('a session appears the moment it begins', async ({ house }) => {
  const { page, installation } = house;
  await connect(page, machines.password);
  await expect(page.getByTitle(mayLookOn)).toBeVisible();
  await page.getByRole('button', { name: 'View', exact: true }).click();
  await expect(page.getByRole('region', { name: 'View' }).getByText(mayLookOn)).toBeVisible();
  await expectAccessible(page, 'session-that-may-be-watched');
  await page.getByRole('button', { name: 'Close view' }).click();
  const green = "for i in 1 2 3 4 5 6; do printf '\\033[42m%40s\\033[0m\\n' ''; done; echo drawn > drawn.txt";
  await run(page, `clear; ${green}`);
  await targetFile(installation, 'drawn.txt');
  await expect(live(other)).toContainText(ada);
  await expect(live(other)).toContainText('a machine that you cannot open');
  await expectAccessible(other, 'live-sessions');
});

test('who looks on sees the screen, is seen at once, and types in vain', async ({ house }) => {
  const { page, installation } = house;
  await other.getByRole('searchbox', { name: 'Filter by person' }).fill('nobody at all');
  await expect(other.getByText('None of them fits.')).toBeVisible();
  await other.getByRole('searchbox', { name: 'Filter by person' }).fill('');
  await watch(other);
  await expect
    .poll(async () => countPixels(await terminal(other).screenshot(), isTerminalGreen), { timeout: 30_000 })
    .toBeGreaterThan(6 * 40 * 40);
  await expect(other.getByText(`You look on · ${ada}`)).toBeVisible();
  const mark = page.getByRole('button', { name: new RegExp(`${wim}.*is watching`) });
  await expect(mark).toBeVisible();
  await expectAccessible(page, 'session-that-is-watched');
  await expectAccessible(other, 'watching-a-session');
  await run(other, 'echo by the watcher > watcher.txt');
  await run(page, 'echo by the owner > owner-watched.txt');
  expect(await targetFile(installation, 'owner-watched.txt')).toBe('by the owner');
  expect(installation.target.homeFile('watcher.txt')).toBe(null);
});

test('the person reads who watches, and cannot put them out', async ({ house }) => {
  const { page } = house;
  const mark = page.getByRole('button', { name: new RegExp(`${wim}.*is watching`) });
  await mark.click();
  const dialog = page.getByRole('dialog', { name: 'Share this session' });
  await expect(dialog.getByRole('region', { name: 'Looking on as administrators' })).toContainText(wim);
  await expectAccessible(page, 'who-watches');
  await dialog.getByRole('button', { name: 'Close' }).click();
  await leave(other);
  await expect(mark).toHaveCount(0);
});

test('unseen has to be confirmed, and then nothing in the session tells of it', async ({ house }) => {
  const { page } = house;
  await openPolicy(page);
  await policy(page).getByLabel('Watch unseen').click();
  await sign(page);
  await expect(policy(page).getByText('Nobody will see that they are watched')).toBeVisible();
  await expectAccessible(page, 'silence-to-be-confirmed');
  await policy(page).getByRole('button', { name: 'Let them watch unseen' }).click();
  await expect(policy(page)).toHaveCount(0);
  await watch(other);
  await expect(other.getByText(`You look on, unseen · ${ada}`)).toBeVisible();
  await page
    .getByRole('link', { name: new RegExp(machines.password) })
    .first()
    .click();
  await expect(terminal(page)).toBeVisible();
  await run(page, 'echo alone > alone.txt');
  await targetFile(house.installation, 'alone.txt');
  await expect(page.getByRole('button', { name: new RegExp(wim) })).toHaveCount(0);
  await leave(other);
});

test('on a phone an administrator finds the session, and ends it with a reason that its person reads', async ({
  house,
}) => {
  const { page } = house;
  await other.setViewportSize({ width: 390, height: 844 });
  await other.getByRole('button', { name: 'Account menu' }).click();
  await other.getByRole('menuitem', { name: 'Live sessions' }).click();
  await expect(live(other)).toContainText(ada);
  await expectAccessible(other, 'live-sessions-on-a-phone');
  await live(other)
    .getByRole('button', { name: new RegExp(`^End the session of ${ada}`) })
    .click();
  const dialog = other.getByRole('dialog', { name: 'End this session?' });
  await dialog.getByLabel('Reason').fill('Maintenance at noon');
  await expectAccessible(other, 'end-a-session-on-a-phone');
  await dialog.getByRole('button', { name: 'End session' }).click();
  await expect(page.getByRole('heading', { name: `The session was ended by ${wim}` })).toBeVisible();
  await expect(page.getByText('They wrote: “Maintenance at noon”')).toBeVisible();
  await expectAccessible(page, 'session-ended-with-a-reason');
  await expect(other.getByText('Nothing runs now')).toBeVisible();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
});

test('a person whom nobody would see watched is told that it may happen, and where nobody may, of nothing', async ({
  house,
}) => {
  const { page } = house;
  await connect(page, machines.password);
  const unseen = 'Administrators may look on at this session without your seeing it.';
  await expect(page.getByTitle(unseen)).toBeVisible();
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
});

test('taken back, the watcher is out at once', async ({ house }) => {
  const { page } = house;
  await other.setViewportSize({ width: 1280, height: 720 });
  await connect(page, machines.password);
  await watch(other);
  await openPolicy(page);
  await policy(page).getByLabel(wim).uncheck();
  await sign(page);
  await expect(other.getByRole('heading', { name: 'You do not look on any more' })).toBeVisible();
  await expectAccessible(other, 'not-watching-any-more');
  await other.close();
});

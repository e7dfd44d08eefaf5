// A round through the vault with nothing but keys. Every stop of the Tab key has to be seen.
import type { ConsoleMessage, Page } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { expect, test } from './house.ts';
import { access, account, createLogin, newMember, row } from './person.ts';

test.describe.configure({ mode: 'serial' });

const gina = 'gina@example.org';
const title = 'By keys alone';
const keys = (page: Page) => page.keyboard;

interface Stop {
  readonly name: string;
  /** It is drawn, and something is drawn around it. */
  readonly seen: boolean;
}

/** What has the focus, by the name that a screen reader says. */
async function stop(page: Page): Promise<Stop> {
  return await page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement) || element === document.body) return { name: '', seen: false };
    const labels = element instanceof HTMLInputElement ? [...(element.labels ?? [])] : [];
    const label = labels.map(({ textContent }) => textContent).join(' ');
    const name = element.ariaLabel ?? (label || element.textContent);
    const { outlineStyle, boxShadow } = getComputedStyle(element);
    const drawn = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const ring = outlineStyle !== 'none' || boxShadow !== 'none' || element.matches('[role="combobox"]');
    return { name: name.replace(/\s+/g, ' ').trim(), seen: drawn && ring };
  });
}

/** Tab, until something of that name has the focus. */
async function tabTo(page: Page, name: string | RegExp, key = 'Tab'): Promise<void> {
  const names: string[] = [];
  for (let pressed = 0; pressed < 100; pressed++) {
    await keys(page).press(key);
    const at = await stop(page);
    names.push(at.name);
    if (at.name !== '')
      await expect
        .poll(async () => (await stop(page)).seen, { message: `the focus shows on "${at.name}"` })
        .toBe(true);
    if (typeof name === 'string' ? at.name === name : name.test(at.name)) return;
  }
  throw new Error(`Tab does not reach ${String(name)}: ${names.join(' · ')}`);
}

/** The whole name: "Edit" is a button, and "Edit By keys alone" the form that it opens. */
async function expectFocus(page: Page, name: string | RegExp): Promise<void> {
  const focused = expect.poll(async () => (await stop(page)).name);
  await (typeof name === 'string' ? focused.toBe(name) : focused.toMatch(name));
}

/** Whoever opened it is in it: the next Tab goes to what it holds. */
const expectInDialog = (page: Page) =>
  expect(page.getByRole('dialog').and(page.locator(':focus-within'))).toBeVisible();

async function find(page: Page, text: string): Promise<void> {
  await keys(page).press('g');
  await keys(page).press('v');
  await expect(page.getByRole('link', { name: 'All records' })).toHaveAttribute('aria-current', 'page');
  await keys(page).press('/');
  await expect(page.getByLabel('Search records')).toBeFocused();
  await keys(page).press('Control+A');
  await keys(page).type(text);
  await expect(page.getByRole('status').filter({ hasText: 'found' })).toHaveText('1 record found');
  await keys(page).press('Enter');
  await expect(page.getByRole('heading', { name: text })).toBeVisible();
}

test('unlock, skip link, search, copy, edit and save', async ({ house }) => {
  const { page } = house;
  await newMember(house, gina).then(({ page: other }) => other.context().close());
  await createLogin(page, title, 'ada', 'typed by keys 4410');
  house.installation.secrets.add('typed by keys 4410');
  await keys(page).press('Control+Alt+L');
  await expect(page.getByLabel('Master password')).toBeFocused();
  await keys(page).type(account.password);
  await keys(page).press('Enter');
  await expect(page.getByRole('list', { name: 'Records' })).toBeVisible();
  await keys(page).press('Tab');
  await expectFocus(page, 'Skip to the content');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeInViewport();
  await keys(page).press('Enter');
  await expect(page.getByRole('main')).toBeFocused();

  await find(page, title);
  await keys(page).press('c');
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe('typed by keys 4410');
  await tabTo(page, 'Edit');
  await keys(page).press('Enter');
  await expect(page.getByRole('form', { name: `Edit ${title}` })).toBeFocused();
  await keys(page).press('Escape');
  await expect(page.getByRole('button', { name: 'Edit', exact: true })).toBeFocused();
  await keys(page).press('Enter');
  await expect(page.getByRole('form', { name: `Edit ${title}` })).toBeFocused();
  await tabTo(page, 'Login');
  await keys(page).press('Control+A');
  await keys(page).type('ada by keys');
  await keys(page).press('Control+Enter');
  await expect(page.getByRole('article')).toContainText('ada by keys');
  await expect(page.getByRole('button', { name: 'Edit', exact: true })).toBeFocused();
});

test('a new record, from the key to what is typed first', async ({ house }) => {
  const { page } = house;
  await keys(page).press('n');
  await expectInDialog(page);
  await tabTo(page, 'Login');
  await keys(page).press('Enter');
  await expect(page.getByLabel('Title')).toBeFocused();
  await keys(page).type('Typed at once');
  await keys(page).press('Control+Enter');
  await expect(page.getByRole('heading', { name: 'Typed at once' })).toBeVisible();
});

test('lists have one stop, and the arrow keys walk them', async ({ house }) => {
  const { page } = house;
  const reachable = page.getByRole('list', { name: 'Records' }).locator('a[tabindex="0"]');
  await keys(page).press('/');
  await expect(page.getByLabel('Search records')).toBeFocused();
  await keys(page).press('Control+A');
  await keys(page).press('Delete');
  await expect(page.getByRole('status').filter({ hasText: /^[\d,]+ records$/ })).toBeVisible();
  await keys(page).press('ArrowDown');
  await expect(reachable).toHaveCount(1);
  await expect(reachable).toBeFocused();
  const first = await stop(page);
  await keys(page).press('ArrowDown');
  await expect.poll(async () => (await stop(page)).name).not.toBe(first.name);
  await keys(page).press('Home');
  await expectFocus(page, first.name);
  await keys(page).press('End');
  await expect.poll(async () => (await stop(page)).name).not.toBe(first.name);
  await keys(page).press('x');
  await expect(page.getByText('1 chosen')).toBeVisible();
  await keys(page).press('Escape');
  await expect(page.getByText('1 chosen')).toHaveCount(0);
  await expect(reachable).toBeFocused();
});

test('a folder, a move and a share, and the focus comes back from each dialog', async ({ house }) => {
  const { page } = house;
  await tabTo(page, 'New folder', 'Shift+Tab');
  await keys(page).press('Enter');
  await expect(page.getByRole('dialog').getByLabel('Name')).toBeFocused();
  await keys(page).type('Keyed');
  await keys(page).press('Enter');
  await expect(page.getByRole('treeitem', { name: 'Keyed' })).toBeVisible();
  await expectFocus(page, 'New folder');

  await find(page, title);
  await tabTo(page, 'More');
  await keys(page).press('Enter');
  await expect(page.getByRole('menu')).toBeVisible();
  await keys(page).type('Mo');
  await keys(page).press('Enter');
  await expect(page.getByPlaceholder('Find a folder')).toBeFocused();
  await keys(page).type('Keyed');
  await keys(page).press('Enter');
  await tabTo(page, 'Move to Keyed');
  await keys(page).press('Enter');
  await expect(page.getByText('1 record moved to Keyed')).toBeVisible();
  await expectFocus(page, 'More');

  await tabTo(page, 'Share', 'Shift+Tab');
  await keys(page).press('Enter');
  await expectInDialog(page);
  await keys(page).press('Escape');
  await expectFocus(page, 'Share');
  await keys(page).press('Enter');
  await expectInDialog(page);
  await tabTo(page, new RegExp(`^${gina}`));
  await keys(page).press('Space');
  await tabTo(page, 'Share');
  await keys(page).press('Enter');
  await expect(access(page)).toContainText(gina);
  await expectFocus(page, 'Share');
});

test('the palette makes a folder by keys alone, and asks nothing of the page that its policy refuses', async ({
  house,
}) => {
  const { page } = house;
  const refused: string[] = [];
  const hear = (message: ConsoleMessage) => {
    if (/content security policy/i.test(message.text())) refused.push(message.text());
  };
  page.on('console', hear);
  await keys(page).press('Control+K');
  const find = page.getByPlaceholder('Search records, or type a command');
  await expect(find).toBeFocused();
  await keys(page).type(title);
  await expect(page.getByRole('option', { name: title }).first()).toHaveAttribute('data-selected', '');
  await keys(page).press('Control+A');
  await keys(page).type('new folder');
  await expect(page.getByRole('option', { name: 'New folder' })).toHaveAttribute('data-selected', '');
  await expectAccessible(page, 'palette with one command');
  await keys(page).press('Enter');
  await expect(page.getByRole('dialog').getByLabel('Name', { exact: true })).toBeFocused();
  await keys(page).type('Made by keys');
  await keys(page).press('Enter');
  await expect(page.getByRole('treeitem', { name: 'Made by keys' })).toBeVisible();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  page.off('console', hear);
  expect(refused).toEqual([]);
});

test('the palette, the list of shortcuts, settings, and out', async ({ house }) => {
  const { page } = house;
  await keys(page).press('Control+K');
  await expect(page.getByPlaceholder('Search records, or type a command')).toBeFocused();
  await keys(page).type('go to settings');
  await expect(page.getByRole('option', { name: /Go to settings/ })).toHaveAttribute('data-selected', '');
  await keys(page).press('Enter');
  await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible();
  await keys(page).press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await expectAccessible(page, 'shortcuts');
  await keys(page).press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await tabTo(page, 'Change password');
  await keys(page).press('Enter');
  await expect(page.getByLabel('Current master password')).toBeFocused();
  await keys(page).press('Escape');
  await expectFocus(page, 'Change password');
  await keys(page).press('g');
  await keys(page).press('v');
  await expect(row(page, title)).toBeVisible();
  await keys(page).press('Control+Alt+L');
  await expect(page.getByLabel('Master password')).toBeFocused();
  await keys(page).type(account.password);
  await keys(page).press('Enter');
  await expect(row(page, title)).toBeVisible();
});

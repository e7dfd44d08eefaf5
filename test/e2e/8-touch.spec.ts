// The vault under a finger: nothing to press is smaller than 44 px, and no screen scrolls sideways.
import type { Page } from '@playwright/test';
import { expect, machines, test } from './house.ts';
import { account, createLogin } from './person.ts';

/** First in the list, which makes no more rows than fit the screen. */
const title = 'A finger';

/** What can be pressed and is smaller than a finger; links in a text, and switches, whose line takes the press, are not meant. */
async function smallTargets(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const pressed = document.querySelectorAll<HTMLElement>(
      'button:not([role="switch"]), nav a, select, [role="menuitem"], [role="list"] a',
    );
    const isSmall = (element: HTMLElement) => {
      const { width, height } = element.getBoundingClientRect();
      return width > 1 && height > 1 && (width < 43.5 || height < 43.5);
    };
    return [...pressed]
      .filter(
        (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && isSmall(one),
      )
      .filter((one) => one.closest('p, article [role="list"], [aria-hidden="true"]') === null)
      .map((one) => {
        const { width, height } = one.getBoundingClientRect();
        return `${one.textContent?.trim()} ${Math.round(width)}×${Math.round(height)}`;
      });
  });
}

test('every screen of a phone has room for a finger', async ({ house, browser }) => {
  const { page, installation } = house;
  installation.secrets.add('for a finger 1186');
  await createLogin(page, title, 'ada', 'for a finger 1186');
  const viewport = { width: 390, height: 844 };
  const context = await browser.newContext({ viewport, hasTouch: true, isMobile: true });
  const phone = await context.newPage();
  const look = async (screen: string) => {
    const wider = await phone.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    await phone.screenshot({ path: `test-results/screens/touch-${screen}.png` });
    expect.soft(wider, `${screen} scrolls sideways`).toBe(false);
    expect.soft(await smallTargets(phone), screen).toEqual([]);
  };
  await phone.goto(installation.server.url);
  await phone.getByLabel('Email').fill(account.email);
  await phone.getByLabel('Master password').fill(account.password);
  await look('sign-in');
  await phone.getByRole('button', { name: 'Sign in', exact: true }).tap();
  const list = phone.getByRole('list', { name: 'Records' });
  await expect(list.getByRole('link', { name: title })).toBeVisible();
  await look('list');
  await phone.getByRole('button', { name: 'Folders and tags' }).tap();
  await look('places');
  await phone.keyboard.press('Escape');
  await list.getByRole('link', { name: title }).tap();
  await expect(phone.getByRole('heading', { name: title })).toBeVisible();
  await look('record');
  await phone.getByRole('button', { name: 'More', exact: true }).tap();
  await look('menu');
  await phone.keyboard.press('Escape');
  await phone.getByRole('button', { name: 'Edit', exact: true }).tap();
  await expect(phone.getByLabel('Title')).toBeVisible();
  await look('form');
  await phone.getByRole('button', { name: 'Cancel' }).first().tap();
  await phone.getByRole('button', { name: 'Back to the list' }).tap();
  await list.getByRole('link', { name: machines.password }).first().tap();
  await expect(phone.getByRole('heading', { name: machines.password })).toBeVisible();
  await look('machine');
  const centreOf = async (name: string) => {
    const box = await phone.getByRole('button', { name, exact: true }).boundingBox();
    return box === null ? NaN : Math.round(box.y + box.height / 2);
  };
  expect(await centreOf('More'), 'what can be done is in one line').toBe(await centreOf('Connect'));
  for (const name of ['Gateways', 'Recordings', 'People', 'Settings']) {
    await phone.getByRole('link', { name }).tap();
    await expect(phone.getByRole('heading', { name, exact: true })).toBeVisible();
    await look(name.toLowerCase());
  }
  await context.close();
});

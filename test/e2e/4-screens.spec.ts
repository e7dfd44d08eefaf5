import { expectAccessible } from './accessible.ts';
import { machines, test, expect } from './house.ts';
import { connect, openRecord, startRecord } from './person.ts';

test('vault, record, form, gateways, settings and a session have no axe violations, light and dark', async ({
  house,
}) => {
  const { page } = house;
  await openRecord(page, machines.password);
  await expectAccessible(page, 'record');
  await page.getByRole('button', { name: 'Edit' }).click();
  await expectAccessible(page, 'form');
  await page.getByRole('button', { name: 'Cancel' }).first().click();
  await page.getByRole('link', { name: 'Gateways' }).click();
  await expectAccessible(page, 'gateways');
  await page.getByRole('link', { name: 'Settings' }).click();
  await expectAccessible(page, 'settings');
  await connect(page, machines.password);
  await expectAccessible(page, 'session');
  const places = await page.getByRole('navigation', { name: 'Vault' }).boundingBox();
  expect(places?.height, 'folders keep their room beside sessions').toBeGreaterThanOrEqual(240);
});

test('sign-in and unlock have no axe violations', async ({ house }) => {
  const { installation, newBrowser } = house;
  const other = await newBrowser();
  await other.goto(installation.server.url);
  await expect(other.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await expectAccessible(other, 'sign-in');
  await other.context().close();
});

test('on a phone the vault can be read', async ({ house }) => {
  const { page } = house;
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole('link', { name: 'Vault' }).click();
  await expect(
    page.getByRole('list', { name: 'Records' }).getByText(machines.password).first(),
  ).toBeVisible();
  const wider = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wider, 'no sideways scrolling').toBe(false);
  await page.screenshot({ path: 'test-results/screens/phone.png' });
  await page.setViewportSize({ width: 1280, height: 720 });
});

test('leaving a form with changes asks first', async ({ house }) => {
  const { page } = house;
  await startRecord(page, 'Login', 'Half done');
  await page.getByRole('link', { name: 'Gateways' }).click();
  await expect(page.getByRole('button', { name: 'Keep editing' })).toBeVisible();
  await page.getByRole('button', { name: 'Discard' }).click();
  await expect(page.getByRole('heading', { name: 'Gateways' })).toBeVisible();
});

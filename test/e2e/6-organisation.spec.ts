import AxeBuilder from '@axe-core/playwright';
import { expect, test } from './house.ts';
import { account, invite, joinByInvitation } from './person.ts';

const grace = 'grace@example.org';

test('a second person joins by invitation, and both see each other', async ({ house }) => {
  const { page, newBrowser } = house;
  await page.getByRole('link', { name: 'People' }).click();
  await expect(page.getByText(`${account.email} (you)`)).toBeVisible();
  const link = await invite(page, grace);
  const other = await newBrowser();
  await joinByInvitation(other, link);
  expect(other.url()).not.toContain('invitation');
  await other.getByRole('link', { name: 'People' }).click();
  for (const each of [page, other]) {
    await expect(each.getByRole('listitem').filter({ hasText: account.email })).toContainText(
      'Administrator',
    );
    await expect(each.getByRole('listitem').filter({ hasText: grace })).toContainText('Member');
  }

  await page.getByRole('button', { name: 'New team' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Operations');
  await page.getByLabel(grace).check();
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(other.getByRole('heading', { name: 'Operations' })).toBeVisible();

  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null });
  await other.context().close();
});

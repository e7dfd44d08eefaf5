// A team, what is shared with it, and what each right shows on the other's screen.
import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { expect, test } from './house.ts';
import { access, change, createLogin, newMember, openRecord, row, save, startRecord } from './person.ts';

test.describe.configure({ mode: 'serial' });

const [eve, finn] = ['eve@example.org', 'finn@example.org'];
const [team, folder, title] = ['Support', 'Desk', 'Front desk'];
let eves: Page;
let finns: Page;

const inTree = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Vault' }).getByRole('treeitem', { name });

async function setTeam(page: Page, email: string, isIn: boolean): Promise<void> {
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByRole('button', { name: `Edit ${team}` }).click();
  await page.getByRole('dialog').getByLabel(email).setChecked(isIn);
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Team changed').last()).toBeVisible();
}

async function actionsOf(page: Page, name: string): Promise<Locator> {
  await inTree(page, name).hover();
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  return page.getByRole('menuitem');
}

/** Its members, in the dialog that is open. */
const members = (page: Page) => access(page.getByRole('dialog', { name: folder, exact: true }));

async function openFolder(page: Page): Promise<void> {
  await inTree(page, folder).click();
  await expect(page.getByRole('heading', { name: folder })).toBeVisible();
}

/** The record that is open, into the folder, for its members to do no more than that. */
async function putInFolder(page: Page, may: string): Promise<void> {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Move to a folder' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('option', { name: folder }).click();
  await dialog.getByLabel('What members may do with them at most').selectOption({ label: may });
  await dialog.getByRole('button', { name: `Share in ${folder}` }).click();
  await expect(page.getByText(`1 record shared in ${folder}`)).toBeVisible();
}

test('a folder that is shared with a team is there for its members, to read only', async ({ house }) => {
  const { page, installation } = house;
  eves = (await newMember(house, eve)).page;
  finns = (await newMember(house, finn)).page;
  await page.getByRole('button', { name: 'New team' }).click();
  await page.getByLabel('Name', { exact: true }).fill(team);
  await page.getByRole('dialog').getByLabel(eve).check();
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(page.getByRole('heading', { name: team })).toBeVisible();

  await page.getByRole('button', { name: 'New shared folder' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill(folder);
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  await (await actionsOf(page, folder)).filter({ hasText: 'Members and rights' }).click();
  await members(page).getByRole('button', { name: 'Share', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: `Share ${folder}` });
  await dialog.getByLabel(team).check();
  await expectAccessible(page, 'share-folder');
  await dialog.getByRole('button', { name: 'Share', exact: true }).click();
  await expect(members(page)).toContainText(team);
  await expectAccessible(page, 'folder-members');
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  installation.secrets.add('desk secret 3321');
  await createLogin(page, title, 'desk', 'desk secret 3321');
  await putInFolder(page, 'Edit');

  await openFolder(eves);
  await row(eves, title).click();
  await expect(eves.getByRole('heading', { name: title })).toBeVisible();
  await expect(eves.getByRole('button', { name: 'Edit', exact: true })).toHaveCount(0);
  await expect(access(eves).getByRole('button', { name: 'Share', exact: true })).toHaveCount(0);
  await expect(await actionsOf(eves, folder)).toHaveText(['Members and rights']);
  await eves.keyboard.press('Escape');
});

test('who joins the team later has it, and who leaves it loses it', async ({ house }) => {
  const { page } = house;
  await expect(inTree(finns, folder)).toHaveCount(0);
  await setTeam(page, finn, true);
  await openFolder(finns);
  await expect(row(finns, title)).toBeVisible();
  await setTeam(page, finn, false);
  await expect(inTree(finns, folder)).toHaveCount(0);
  await expect(finns.getByText(title)).toHaveCount(0);
  await expect(finns.getByRole('heading', { name: 'This folder is not here' })).toBeVisible();
  await openFolder(eves);
  await expect(row(eves, title)).toBeVisible();
});

test('more rights in the folder show on the other’s screen: edit, put in, take members in', async ({
  house,
}) => {
  const { page } = house;
  await (await actionsOf(page, folder)).filter({ hasText: 'Members and rights' }).click();
  await members(page).getByRole('button', { name: 'Share', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: `Share ${folder}` });
  await dialog.getByLabel(eve).check();
  await dialog.getByLabel('They may').selectOption({ label: 'Edit and share' });
  await dialog.getByRole('switch', { name: /^Manage records/ }).click();
  await dialog.getByRole('switch', { name: /^Manage members/ }).click();
  await dialog.getByRole('button', { name: 'Share', exact: true }).click();
  await expect(members(page)).toContainText(eve);
  await page.getByRole('button', { name: 'Close', exact: true }).click();

  await row(eves, title).click();
  await change(eves, 'Login', 'by eve');
  await openRecord(page, title);
  await expect(page.getByRole('article')).toContainText('by eve');
  await createLogin(eves, 'Own of eve', 'eve', 'of eve 8812');
  house.installation.secrets.add('of eve 8812');
  await putInFolder(eves, 'View');
  await openFolder(page);
  await expect(row(page, 'Own of eve')).toBeVisible();
  await (await actionsOf(eves, folder)).filter({ hasText: 'Members and rights' }).click();
  await members(eves).getByRole('button', { name: 'Share', exact: true }).click();
  const share = eves.getByRole('dialog', { name: `Share ${folder}` });
  await share.getByLabel(finn).check();
  await share.getByRole('button', { name: 'Share', exact: true }).click();
  await expect(row(finns, title)).toBeVisible();
  await eves.getByRole('button', { name: 'Close', exact: true }).click();
});

test('a record that is handed over is hers once she takes it', async ({ house }) => {
  const { page } = house;
  await createLogin(page, 'Handed over', 'ada', 'handed over 9134');
  house.installation.secrets.add('handed over 9134');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Hand over' }).click();
  await page.getByLabel('New owner').selectOption({ label: eve });
  await expectAccessible(page, 'hand-over');
  await page.getByRole('button', { name: 'Offer' }).click();
  await expect(page.getByText(`Handed over is offered to ${eve}`)).toBeVisible();
  await eves.getByRole('link', { name: 'Shared with me' }).click();
  await eves.getByRole('button', { name: 'Take over Handed over' }).click();
  await expect(eves.getByText('Handed over is yours')).toBeVisible();
  await openRecord(eves, 'Handed over');
  await expect(access(eves).getByRole('listitem').first()).toHaveText(/You\s*Owner/);
  await expect(access(page).getByRole('listitem').first()).toContainText(eve);
});

test('a type that an administrator makes is a form of everybody', async ({ house }) => {
  const { page } = house;
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByRole('button', { name: 'New type' }).click();
  const dialog = page.getByRole('dialog', { name: 'New record type' });
  await dialog.getByLabel('Name').fill('Door badge');
  await dialog.getByLabel('Field 1', { exact: true }).fill('Badge number');
  await expectAccessible(page, 'record-type');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Door badge saved')).toBeVisible();
  await startRecord(eves, 'Door badge', 'Main door');
  await eves.getByLabel('Badge number').fill('B-4711');
  await save(eves);
  await expect(eves.getByRole('article')).toContainText('B-4711');
  await eves.context().close();
  await finns.context().close();
});

import { machines, test, expect } from './house.ts';
import { connect, openRecord, run, targetFile, terminal } from './person.ts';

test('a wrong password says so, naming the login', async ({ house }) => {
  const { page } = house;
  await openRecord(page, machines.wrong);
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  const trust = page.getByRole('button', { name: 'Trust this host key and connect' });
  const refused = page.getByRole('alert').filter({ hasText: /login|password|credential/i });
  await expect(trust.or(refused).first()).toBeVisible();
  if (await trust.isVisible()) await trust.click();
  await expect(refused).toBeVisible();
});

test('a closed port says that the target refused, and what to do', async ({ house }) => {
  const { page } = house;
  await openRecord(page, machines.closed);
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.getByRole('alert').filter({ hasText: /refused|port/i })).toBeVisible();
});

test('a restart of the server does not end a running session', async ({ house }) => {
  const { page, installation } = house;
  await connect(page, machines.password);
  await installation.killServer();
  await run(page, 'echo without server > alone.txt');
  expect(await targetFile(installation, 'alone.txt')).toBe('without server');
  await installation.startServer();
  await run(page, 'echo server is back > back.txt');
  expect(await targetFile(installation, 'back.txt')).toBe('server is back');
  await page.getByRole('link', { name: 'Gateways' }).click();
  await expect(page.getByText('Online', { exact: true })).toBeVisible({ timeout: 45_000 });
});

test('guacd gone ends the session with its name, and Reconnect works when it is back', async ({ house }) => {
  const { page, installation } = house;
  await connect(page, machines.key);
  await installation.guacd.stop();
  await expect(page.getByRole('alert').filter({ hasText: /guacd/i })).toBeVisible();
  await page.getByRole('button', { name: 'Reconnect' }).click();
  await expect(page.getByRole('alert').filter({ hasText: /guacd/i })).toBeVisible();
  await installation.startGuacd();
  await page.getByRole('button', { name: 'Reconnect' }).click();
  await expect(terminal(page)).toBeVisible();
});

test('a killed gateway is noticed in seconds, and Reconnect works when it runs again', async ({ house }) => {
  const { page, installation } = house;
  await connect(page, machines.password);
  const killed = Date.now();
  await installation.killGateway();
  await expect(page.getByRole('heading', { name: 'Reconnecting…' })).toBeVisible({ timeout: 20_000 });
  test.info().annotations.push({ type: 'noticed after', description: `${Date.now() - killed} ms` });
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Reconnect' }).click();
  await expect(page.getByRole('alert').filter({ hasText: /offline/i })).toBeVisible();
  await installation.startGateway();
  await page.getByRole('link', { name: 'Gateways' }).click();
  await expect(page.getByText('Online', { exact: true })).toBeVisible({ timeout: 45_000 });
  await connect(page, machines.password);
  await run(page, 'echo after gateway > gateway.txt');
  expect(await targetFile(installation, 'gateway.txt')).toBe('after gateway');
});

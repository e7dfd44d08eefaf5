// Desktops and telnet: what was typed arrives, and what was drawn is right.
import type { Page } from '@playwright/test';
import { startDesktop, startRdpTarget, type DesktopTarget } from '../fixtures/desktop-target.ts';
import { startTelnetTarget, type TelnetTarget } from '../fixtures/telnet-target.ts';
import { expectAccessible } from './accessible.ts';
import { expect, test } from './house.ts';
import { connect, createMachine, createUser, disconnect, openRecord, run, terminal } from './person.ts';
import { countPixels } from './pixels.ts';

test.describe.configure({ mode: 'serial' });

let desktop: DesktopTarget;
let windows: DesktopTarget;
let telnet: TelnetTarget;

test.beforeAll(async ({ house }) => {
  [desktop, windows, telnet] = await Promise.all([startDesktop(), startRdpTarget(), startTelnetTarget()]);
  for (const { password } of [desktop, windows, telnet]) house.installation.secrets.add(password);
});
test.afterAll(() => Promise.all([desktop?.stop(), windows?.stop(), telnet?.stop()]));

async function holds(target: Pick<DesktopTarget, 'homeFile'>, name: string, text: string): Promise<void> {
  await expect.poll(() => target.homeFile(name), { timeout: 20_000 }).toBe(text);
}

/** The green of the desktop's one window, within what a lossy picture makes of it. */
const isGreen = (red: number, green: number, blue: number) =>
  Math.abs(red - 0x18) < 12 && Math.abs(green - 0xa0) < 12 && Math.abs(blue - 0x58) < 12;

async function greenOn(page: Page): Promise<number> {
  return countPixels(await terminal(page).screenshot(), isGreen);
}

test('VNC: the desktop is drawn, what is typed arrives, and it can be seen pixel by pixel', async ({
  house,
}) => {
  const { page } = house;
  await createUser(page, { title: 'Desk user', login: 'desk', password: desktop.password });
  const place = { host: desktop.host, port: desktop.port, gateway: 'Office' };
  await createMachine(page, { ...place, title: 'Desk', protocol: 'VNC', credential: 'Desk user' });
  await connect(page, 'Desk');
  await expect(page.getByRole('application', { name: 'Desktop of Desk' })).toBeVisible();
  // 800 × 600 on a window that is larger: pixel for pixel, but for the letters.
  await expect.poll(() => greenOn(page)).toBeGreaterThan(800 * 600 * 0.9);
  await run(page, 'echo "typed $((6*7))" > typed');
  await holds(desktop, 'typed', 'typed 42\n');
  await page.setViewportSize({ width: 700, height: 500 });
  await expect.poll(() => greenOn(page)).toBeLessThan(800 * 600 * 0.7);
  await expect.poll(() => greenOn(page)).toBeGreaterThan(100_000);
  await page.getByRole('button', { name: 'View', exact: true }).click();
  const view = page.getByRole('region', { name: 'View' });
  await view.getByRole('button', { name: 'Actual size' }).click();
  await expect(view.getByRole('status')).toHaveText('100 %');
  await view.getByRole('button', { name: 'Zoom in' }).click();
  await expect(view.getByRole('status')).toHaveText('125 %');
  await expectAccessible(page, 'session-view');
  await view.getByRole('button', { name: 'Fit to window' }).click();
  await view.getByRole('button', { name: 'Close view' }).click();
  await page.setViewportSize({ width: 1280, height: 720 });
  await expectAccessible(page, 'desktop');
  await disconnect(page);
});

test('a login of one’s own opens a desktop, is asked for again, and is stored nowhere', async ({ house }) => {
  const { page } = house;
  const place = { host: desktop.host, port: desktop.port, gateway: 'Office', protocol: 'VNC' };
  await createMachine(page, {
    ...place,
    title: 'Own login',
    switches: ['Users may bring their own credential'],
  });
  await openRecord(page, 'Own login');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  const form = page.getByRole('form', { name: 'Login for Own login' });
  await form.getByLabel('Password', { exact: true }).fill('wrong');
  await expectAccessible(page, 'own-login');
  await form.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('The machine refused the login')).toBeVisible();
  await form.getByLabel('Password', { exact: true }).fill(desktop.password);
  await form.getByRole('button', { name: 'Sign in' }).click();
  await expect(terminal(page)).toBeVisible();
  await expect.poll(() => greenOn(page)).toBeGreaterThan(800 * 600 * 0.9);
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await page.getByRole('button', { name: 'Reconnect' }).click();
  await expect(form).toBeVisible();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
});

test('RDP: the certificate is looked at unless the record says otherwise, and then the screen says so', async ({
  house,
}) => {
  const { page } = house;
  await createUser(page, { title: 'Windows user', login: 'CORP\\ada', password: windows.password });
  const place = { host: windows.host, port: windows.port, gateway: 'Office', protocol: 'RDP' };
  const machine = { ...place, credential: 'Windows user' };
  await createMachine(page, { ...machine, title: 'Strict' });
  await openRecord(page, 'Strict');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.getByText('No authority that the gateway trusts vouches for')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Trust this certificate and connect' })).toBeVisible();
  await page.getByRole('button', { name: 'Close tab' }).click();
  await createMachine(page, { ...machine, title: 'Windows', switches: ['Ignore the certificate'] });
  await connect(page, 'Windows');
  await expect(page.getByText('Certificate not checked')).toBeVisible();
  await expect.poll(() => greenOn(page), { timeout: 30_000 }).toBeGreaterThan(100_000);
  await run(page, 'echo "typed $((6*7))" > typed');
  await holds(windows, 'typed', 'typed 42\n');
  await expectAccessible(page, 'rdp');
  await disconnect(page);
});

test('telnet: the login is typed by the gateway, and what is typed then arrives', async ({ house }) => {
  const { page } = house;
  const { host, port, username, password } = telnet;
  await createUser(page, { title: 'Telnet user', login: username, password });
  const place = { host, port, gateway: 'Office', protocol: 'Telnet' };
  await createMachine(page, { ...place, title: 'Old switch', credential: 'Telnet user' });
  await connect(page, 'Old switch');
  await expect.poll(() => telnet.homeFile('logged-in'), { timeout: 20_000 }).not.toBeNull();
  await run(page, 'printf "\\033[42m%2000s\\033[0m"; echo "typed $((6*7))" > typed');
  await holds(telnet, 'typed', 'typed 42\n');
  const isTerminalGreen = (red: number, green: number, blue: number) => green > 120 && red < 90 && blue < 90;
  await expect
    .poll(async () => countPixels(await terminal(page).screenshot(), isTerminalGreen))
    .toBeGreaterThan(2_000 * 60);
  await disconnect(page);
  await expect.poll(() => telnet.connections()).toBe(0);
});

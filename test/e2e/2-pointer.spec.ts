// Hands on a desktop: what is pressed is what is seen there, at every zoom, by mouse and by finger.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { startDesktop, startRdpTarget, type DesktopTarget } from '../fixtures/desktop-target.ts';
import { expectAccessible } from './accessible.ts';
import { expect, test } from './house.ts';
import { connect, createMachine, createUser, disconnect, run, signIn, terminal } from './person.ts';
import { middleOf } from './pixels.ts';

test.describe.configure({ mode: 'serial' });

let windows: DesktopTarget;
let desk: DesktopTarget;

test.beforeAll(async ({ house }) => {
  [windows, desk] = await Promise.all([startRdpTarget(), startDesktop()]);
  for (const { password } of [windows, desk]) house.installation.secrets.add(password);
});
test.afterAll(() => Promise.all([windows?.stop(), desk?.stop()]));

/** Half of a mark's side, in pixels of the machine. */
const half = 10;
const marks = {
  red: { x: 60, y: 50, fits: (r: number, g: number, b: number) => r > 150 && g < 80 && b < 80 },
  yellow: { x: 250, y: 180, fits: (r: number, g: number, b: number) => r > 150 && g > 150 && b < 90 },
} as const;
type Mark = keyof typeof marks;

/** Covers the machine's whole screen, with a mark at each place, and notes where it is pressed. */
function board(): string {
  const drawn = Object.entries(marks).map(([colour, { x, y }]) => {
    const corners = [x - half, y - half, x + half, y + half].join(' ');
    return `.board create rectangle ${corners} -fill ${colour} -width 0`;
  });
  return [
    'wm overrideredirect . 1',
    'wm geometry . 3000x3000+0+0',
    'canvas .board -background blue -highlightthickness 0',
    'pack .board -expand 1 -fill both',
    ...drawn,
    'set pressed [open pressed w]',
    'bind . <ButtonPress> { puts $pressed "%b %X %Y"; flush $pressed }',
  ].join('\n');
}

async function showBoard(page: Page, machine: DesktopTarget): Promise<void> {
  writeFileSync(join(machine.home, 'board.tcl'), board());
  await expect.poll(async () => (await terminal(page).screenshot()).length, { timeout: 30_000 }).not.toBe(0);
  await run(page, 'wish board.tcl &');
  await seen(page, 'red', 1);
}

/** Where a mark is on the page, in CSS pixels, by what is on the screen and nothing else. */
async function seen(page: Page, mark: Mark, ratio: number): Promise<{ x: number; y: number }> {
  const look = async () => middleOf(await terminal(page).screenshot(), marks[mark].fits);
  await expect.poll(look, { timeout: 30_000 }).not.toBeNull();
  const [found, box] = [await look(), await terminal(page).boundingBox()];
  if (found === null || box === null) throw new Error(`no ${mark} mark`);
  return { x: box.x + found.x / ratio, y: box.y + found.y / ratio };
}

/** The machine knows of so many presses, the last of them within two of its pixels of the middle of the mark. */
async function expectPressed(machine: DesktopTarget, mark: Mark, times: number): Promise<void> {
  const presses = () => (machine.homeFile('pressed') ?? '').split('\n').filter(Boolean);
  await expect.poll(() => presses().length, { timeout: 20_000 }).toBe(times);
  const [button = 0, x = 0, y = 0] = (presses().at(-1) ?? '').split(' ').map(Number);
  const off = Math.max(Math.abs(x - marks[mark].x), Math.abs(y - marks[mark].y));
  expect(off, `pressed at ${x},${y}`).toBeLessThanOrEqual(2);
  expect(button).toBe(1);
}

test('over RDP a click lands on what is seen there: as it is, at half its size, larger, and fitted', async ({
  house,
}) => {
  const { page } = house;
  await createUser(page, { title: 'Pointer user', login: 'ada', password: windows.password });
  const place = { host: windows.host, port: windows.port, gateway: 'Office', protocol: 'RDP' };
  const machine = { ...place, title: 'Pointed at', credential: 'Pointer user' };
  await createMachine(page, { ...machine, switches: ['Ignore the certificate'] });
  await connect(page, machine.title);
  await showBoard(page, windows);
  let presses = 0;
  const clickBoth = async () => {
    for (const mark of ['red', 'yellow'] as const) {
      const { x, y } = await seen(page, mark, 1);
      await page.mouse.click(x, y);
      await expectPressed(windows, mark, ++presses);
    }
  };
  await clickBoth();
  await page.getByRole('button', { name: 'View', exact: true }).click();
  const view = page.getByRole('region', { name: 'View' });
  const zoom = view.getByRole('group', { name: 'Zoom' });
  await view.getByRole('button', { name: 'Actual size' }).click();
  for (const [step, times, scale] of [
    ['Zoom out', 2, '50 %'],
    ['Zoom in', 4, '150 %'],
  ] as const) {
    for (let left = times; left > 0; left--) await zoom.getByRole('button', { name: step }).click();
    await expect(zoom.getByRole('status')).toHaveText(scale);
    await clickBoth();
  }
  await view.getByRole('button', { name: 'Fit to window' }).click();
  await expectAccessible(page, 'rdp-view');
  await view.getByRole('button', { name: 'Close view' }).click();
  await page.setViewportSize({ width: 640, height: 480 });
  await clickBoth();
  await page.setViewportSize({ width: 1280, height: 720 });
  await disconnect(page);
});

test('on a phone of two pixels to a point a tap lands under the finger', async ({ house, browser }) => {
  const { page, installation } = house;
  await createUser(page, { title: 'Tapping user', login: 'desk', password: desk.password });
  const place = { host: desk.host, port: desk.port, gateway: 'Office', protocol: 'VNC' };
  await createMachine(page, { ...place, title: 'Tapped at', credential: 'Tapping user' });
  await connect(page, 'Tapped at');
  await showBoard(page, desk);
  await disconnect(page);
  const viewport = { width: 390, height: 844 };
  const phoneLike = { viewport, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
  const context = await browser.newContext(phoneLike);
  const phone = await context.newPage();
  await signIn(phone, installation.server.url);
  await phone.getByLabel('Search records').fill('Tapped at');
  await phone.getByRole('list', { name: 'Records' }).getByRole('link', { name: 'Tapped at' }).first().tap();
  await phone.getByRole('button', { name: 'Connect', exact: true }).tap();
  await expect(terminal(phone)).toBeVisible({ timeout: 30_000 });
  let times = 0;
  for (const mark of ['red', 'yellow'] as const) {
    const { x, y } = await seen(phone, mark, 2);
    await phone.touchscreen.tap(x, y);
    await expectPressed(desk, mark, ++times);
  }
  await phone.screenshot({ path: 'test-results/screens/tapped.png' });
  await context.close();
});

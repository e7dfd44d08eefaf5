// What a person reads whose session must be recorded while there is no room for it: disks of their own, really full.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, expect, type Page } from '@playwright/test';
import { mountSmallDisk, type SmallDisk } from '../fixtures/small-disk.ts';
import { expectAccessible } from './accessible.ts';
import { Installation } from './installation.ts';
import { moveIn, type House } from './move-in.ts';
import { connect, createMachine, disconnect, openRecord, run, targetFile, terminal } from './person.ts';

interface FullHouse extends House {
  readonly disks: { readonly server: SmallDisk; readonly gateway: SmallDisk };
  /** Where recordings wait for the server. */
  readonly spool: string;
}

const machine = 'Recorded server';
const waits = /no room for recordings.*waits, sealed, at the gateway; tell an administrator/;

const test = base.extend<object, { house: FullHouse | null }>({
  house: [
    async ({ browser }, use) => {
      const disks = { server: mountSmallDisk(4), gateway: mountSmallDisk(2) };
      if (!disks.server.mounted || !disks.gateway.mounted) return await use(null);
      const spool = join(disks.gateway.folder, 'spool');
      mkdirSync(spool, { mode: 0o700 });
      const installation = await Installation.start({
        serverSettings: { BLOB_STORE: join(disks.server.folder, 'files') },
        gatewaySettings: { SALLYPORT_GATEWAY_RECORDINGS: spool },
      });
      try {
        const house = await moveIn(browser, installation);
        const { host, port, username } = installation.target;
        await createMachine(house.page, {
          ...{ title: machine, host, port, gateway: 'Office', credential: `Builder (${username})` },
          switches: ['Record the text of terminals'],
        });
        await use({ ...house, disks, spool });
        await house.context.close();
      } finally {
        await installation.stop();
        for (const disk of Object.values(disks)) disk.remove();
      }
    },
    { scope: 'worker', timeout: 180_000 },
  ],
});
test.describe.configure({ mode: 'serial' });

function furnished(house: FullHouse | null): FullHouse {
  test.skip(house === null, 'this machine lets nobody mount a disk');
  if (house === null) throw new Error('skipped');
  return house;
}

const failure = (page: Page) => page.getByRole('alert').filter({ hasText: /record/i });

async function tryToConnect(page: Page): Promise<void> {
  await openRecord(page, machine);
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
}

test('a session that is recorded goes on while the server is full, and its page says where the recording is', async ({
  house,
}) => {
  const { page, installation, disks } = furnished(house);
  await connect(page, machine);
  await run(page, 'echo before > before.txt');
  await targetFile(installation, 'before.txt');
  await expect(page.getByText('Recorded: picture and text')).toBeAttached();
  disks.server.fill();
  await run(page, 'echo while > while.txt');
  expect(await targetFile(installation, 'while.txt')).toBe('while');
  await expect(page.getByText('Recorded, waits at the gateway')).toBeVisible({ timeout: 60_000 });
  const remark = page.getByText(waits);
  await expect(remark).toBeVisible();
  const cut = await remark.evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth);
  expect(cut, 'the whole sentence is seen').toBe(false);
  await expectAccessible(page, 'recording-waits');
});

test('another one does not begin, and says who makes room where', async ({ house }) => {
  const { page } = furnished(house);
  await tryToConnect(page);
  await expect(failure(page)).toContainText('There is no room for this recording', { timeout: 30_000 });
  await expect(failure(page)).toContainText('the server has no room for more');
  await expect(failure(page)).toContainText('Ask an administrator to make room at the server');
  await expect(terminal(page)).toHaveCount(0);
  await expectAccessible(page, 'recording-refused');
  await page.getByRole('button', { name: 'Close tab' }).last().click();
});

test('with no room at the gateway either the session ends, says why, and can be opened anew when there is some', async ({
  house,
}) => {
  const { page, installation, disks } = furnished(house);
  await expect(terminal(page)).toBeVisible();
  disks.gateway.fill();
  await run(page, 'echo unrecorded');
  await expect(failure(page)).toContainText('There was no room left for the recording', { timeout: 30_000 });
  await expect(failure(page)).toContainText('make room at the server (Recordings, Keeping), then reconnect');
  await expectAccessible(page, 'recording-no-room');
  disks.gateway.empty();
  disks.server.empty();
  await expect(async () => {
    await page.getByRole('button', { name: 'Reconnect' }).click();
    await expect(terminal(page)).toBeVisible({ timeout: 10_000 });
  }).toPass({ timeout: 90_000 });
  await run(page, 'echo again > again.txt');
  expect(await targetFile(installation, 'again.txt')).toBe('again');
  await disconnect(page);
});

test('a gateway whose own disk is full cannot record, and says that', async ({ house }) => {
  const { page, disks, spool } = furnished(house);
  await expect.poll(() => readdirSync(spool), { timeout: 60_000 }).toEqual([]); // or it would make room by itself
  disks.gateway.fill();
  await tryToConnect(page);
  await expect(failure(page)).toContainText('This session cannot be recorded', { timeout: 30_000 });
  await expect(failure(page)).toContainText('its disk may be full');
  await expectAccessible(page, 'recording-unavailable');
  disks.gateway.empty();
  await page.getByRole('button', { name: 'Reconnect' }).click();
  await expect(terminal(page)).toBeVisible({ timeout: 30_000 });
  await run(page, 'while sleep 0.2; do date; done');
  await expect(async () => {
    disks.gateway.fill(); // what went to the server meanwhile left some room
    await expect(failure(page)).toContainText('The recording failed', { timeout: 2_000 });
  }).toPass({ timeout: 60_000 });
  await expect(failure(page)).toContainText('Ask an administrator to look at the gateway, then reconnect.');
  disks.gateway.empty();
});

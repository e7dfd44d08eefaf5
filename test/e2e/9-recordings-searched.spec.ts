// Recordings are searched all at once, and tampered with in the server's storage: what the page makes of both.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type { Uid } from '../../protocol/uid.ts';
import { openDatabase } from '../../server/store/database.ts';
import { RecordingStorage, tamperings, type StoredParts } from '../fixtures/tampering.ts';
import { expectAccessible } from './accessible.ts';
import { test, expect } from './house.ts';
import type { Installation } from './installation.ts';
import { connect, createMachine, disconnect, openRecord, run, targetFile } from './person.ts';

test.describe.configure({ mode: 'serial' });

const searched = 'Searched server';
const result = (page: Page) => page.getByRole('list', { name: 'Found' }).getByRole('listitem').first();
let recordings: readonly Uid[] = [];

test('two sessions of a machine are recorded, with their text', async ({ house }) => {
  test.setTimeout(240_000);
  const { page, installation } = house;
  const { host, port, username } = installation.target;
  await createMachine(page, {
    ...{ title: searched, host, port, gateway: 'Office', credential: `Builder (${username})` },
    // With the clipboard the picture is guacd's own, in chunks enough to be tampered with.
    switches: [
      ...['Record the picture', 'Record the text of terminals', 'Record the clipboard with the picture'],
    ],
  });
  for (const name of ['first', 'second']) {
    await connect(page, searched);
    // Said in the third second, so that the place is not the beginning, however fast this machine connects.
    await run(page, `sleep 2; echo "found-in-the-${name}-$((40+2))"; sleep 4; echo > ${name}.txt`);
    await targetFile(installation, `${name}.txt`);
    await disconnect(page);
  }
  await openRecord(page, searched);
  await page.getByRole('link', { name: 'Show them' }).click();
  const rows = page.getByRole('list', { name: `Recordings of ${searched}` }).getByRole('listitem');
  const ended = rows.filter({ hasText: /Ended\b(?!:)/ });
  await expect(async () => {
    await page.getByRole('button', { name: 'Refresh' }).click();
    await expect(ended).toHaveCount(2, { timeout: 2_000 });
  }).toPass({ timeout: 60_000 });
  const links = await ended.getByRole('link', { name: searched }).all();
  const addresses = await Promise.all(links.map((link) => link.getAttribute('href')));
  recordings = addresses.map((address) => (address ?? '').split('/').at(-1) as Uid);
});

test('words are found in both, by filters in one, and lead to the moment', async ({ house }) => {
  const { page } = house;
  await page.getByRole('link', { name: 'Search in all' }).click();
  await expect(page.getByRole('heading', { name: 'Search in recordings' })).toBeVisible();
  const words = page.getByRole('searchbox', { name: 'Words in the text of recordings' });
  await words.fill('Found-In-The-');
  await words.press('Enter');
  const status = page.getByRole('main').getByRole('status').filter({ hasText: 'looked at' });
  await expect(status).toContainText('in 2 recordings');
  await page.getByLabel('Machine').selectOption(searched);
  await words.fill('found-in-the-first-42');
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await expect(status).toHaveText('1 place in 1 recording. 2 recordings looked at.');
  await expect(result(page)).toContainText('ada@example.org');
  await expectAccessible(page, 'recording-search');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: 'test-results/screens/recording-search-phone.png', fullPage: true });
  const wider = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wider, 'no sideways scrolling').toBe(false);
  await page.setViewportSize({ width: 1280, height: 720 });
  await result(page).getByRole('list', { name: 'Places' }).getByRole('link').click();
  await expect(page.getByRole('searchbox', { name: 'Search in this recording' })).toHaveValue(
    'found-in-the-first-42',
  );
  const position = page.getByRole('slider', { name: 'Position' });
  await expect(position).toHaveAttribute('aria-valuenow', /^[1-4]$/);
  await page.getByRole('link', { name: 'Search', exact: true }).click();
  await expect(status).toHaveText('1 place in 1 recording. 2 recordings looked at.');
});

test('a moment is marked by keys, with a comment that the server does not get to know', async ({ house }) => {
  const { page, installation } = house;
  const [recording = '' as Uid] = recordings;
  await openRecording(page, recording);
  await expect(page.locator('[data-verdict="complete"]')).toBeVisible();
  const markers = page.getByRole('region', { name: 'Markers' });
  await page.getByRole('slider', { name: 'Position' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('m');
  await page.keyboard.type('found here: marker-7731');
  await page.keyboard.press('Enter');
  const marker = markers.getByRole('listitem').filter({ hasText: 'marker-7731' });
  await expect(marker).toContainText('ada@example.org');
  await expect(page.getByRole('slider', { name: 'Position' })).toBeFocused();
  await expectAccessible(page, 'recording-markers');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: 'test-results/screens/recording-markers-phone.png', fullPage: true });
  await page.setViewportSize({ width: 1280, height: 720 });
  await page.keyboard.press('Home');
  await page.keyboard.press('.');
  await expect(page.getByRole('slider', { name: 'Position' })).toHaveAttribute('aria-valuenow', '5');
  await marker.getByRole('button', { name: 'Delete this marker' }).click();
  await expect(marker).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(marker).toHaveCount(1);
  expect(installation.readLogs()).not.toContain('marker-7731');
  // It is at the server: whoever opens the recording anew finds it.
  await openRecording(page, recording);
  await expect(marker).toHaveCount(1);
});

test('a recording that was tampered with in the server’s storage is not called complete, and what is wrong is named', async ({
  house,
}) => {
  test.setTimeout(240_000);
  const { page, installation } = house;
  const [recording, other] = recordings;
  if (recording === undefined || other === undefined) throw new Error('there are two recordings');
  await withStorage(installation, async (storage) => {
    const honest = await storage.read(recording);
    expect(honest.chunks.length, 'enough to be tampered with').toBeGreaterThanOrEqual(4);
    await expectVerdict(page, recording, 'complete', [/Complete, signed by gateway Office/]);
    for (const { name, said, apply } of tamperings)
      await test.step(name, async () => {
        const parts = await storage.read(recording);
        await storage.write(recording, await apply(parts, await storage.read(other)));
        await expectVerdict(page, recording, 'wrong', [/Not to be trusted as a whole/, ...said]);
        if (said.length > 1) await expectAccessible(page, 'recording-tampered');
        await storage.write(recording, honest);
      });
    await expectVerdict(page, recording, 'complete', [/Complete, signed by gateway Office/]);
  });
});

test('of a recording whose first word was changed nothing is opened', async ({ house }) => {
  const { page, installation } = house;
  const [recording = '' as Uid, other = '' as Uid] = recordings;
  await withStorage(installation, async (storage) => {
    const honest = await storage.read(recording);
    const foreign: StoredParts = { ...honest, opening: (await storage.read(other)).opening };
    await storage.write(recording, foreign);
    await openRecording(page, recording);
    await expect(
      page.getByRole('alert').or(page.getByText('A signature does not fit')).first(),
    ).toBeVisible();
    await page.getByRole('link', { name: 'Recordings' }).first().click();
    await expect(page.getByText('A recording that no gateway signed')).toBeVisible();
    await storage.write(recording, honest);
  });
});

async function openRecording(page: Page, sessionUid: Uid): Promise<void> {
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Recordings' }).click();
  await expect(page.getByRole('heading', { name: 'Recordings', level: 1 })).toBeVisible(); // what was shown is gone
  await page.evaluate((hash) => void (location.hash = hash), `#/recording/${sessionUid}`);
}

async function expectVerdict(page: Page, uid: Uid, verdict: string, said: readonly RegExp[]): Promise<void> {
  await openRecording(page, uid);
  const line = page.locator(`[data-verdict="${verdict}"]`);
  await expect(line).toBeVisible();
  const lines = (await line.innerText()).split('\n');
  for (const one of said) expect(lines).toContainEqual(expect.stringMatching(one));
}

/** As whoever has the server's disk and database. */
async function withStorage(
  { databaseFolder }: Installation,
  use: (storage: RecordingStorage) => Promise<void>,
): Promise<void> {
  const lines = readFileSync(join(databaseFolder, 'store/postgres/postmaster.pid'), 'utf8').split('\n');
  const connection = { host: lines[4] ?? '', user: 'sallyport', database: 'sallyport' };
  const { db, close } = await openDatabase(connection, () => undefined);
  try {
    await use(new RecordingStorage(db, databaseFolder));
  } finally {
    await close();
  }
}

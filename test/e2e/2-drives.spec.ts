// The drive and the sound of a desktop over RDP: a real xrdp with its channels, in the page that people have.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { startRdpChannels, type RdpChannels } from '../fixtures/rdp-channels.ts';
import { tone } from '../fixtures/sound.ts';
import { expectAccessible } from './accessible.ts';
import { expect, test } from './house.ts';
import { connect, createMachine, createUser, disconnect, terminal } from './person.ts';

test.describe.configure({ mode: 'serial' });

let windows: RdpChannels;
const panel = (page: Page) => page.getByRole('region', { name: 'Drive of Windows with a drive' });
const entry = (page: Page, name: string) => panel(page).getByRole('option', { name });
const seen = (...names: string[]) => join(windows.drive, ...names);

test.beforeAll(async ({ house }) => {
  windows = await startRdpChannels();
  house.installation.secrets.add(windows.target.password);
});
test.afterAll(() => windows?.stop());

/** Listens to all that the page plays, beside the loudspeaker. */
function listen(): void {
  const connectTo = AudioNode.prototype.connect as (this: AudioNode, to: AudioNode) => AudioNode;
  const ears: AnalyserNode[] = [];
  Object.assign(globalThis, { sallyportEars: ears });
  AudioNode.prototype.connect = function (this: AudioNode, to: AudioNode) {
    if (to instanceof AudioDestinationNode) {
      const ear = new AnalyserNode(this.context, { fftSize: 8_192 });
      ears.push(ear);
      connectTo.call(this, ear);
    }
    return connectTo.call(this, to);
  } as typeof AudioNode.prototype.connect;
}

/** The loudest pitch that is heard now, in hertz; 0: silence. */
function pitchOn(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { sallyportEars: [ear] = [] } = globalThis as unknown as { sallyportEars?: AnalyserNode[] };
    if (ear === undefined) return 0;
    const loudness = new Float32Array(ear.frequencyBinCount);
    ear.getFloatFrequencyData(loudness);
    const loudest = loudness.indexOf(Math.max(...loudness));
    return (loudness[loudest] ?? -Infinity) < -60 ? 0 : (loudest * ear.context.sampleRate) / ear.fftSize;
  });
}

async function drop(page: Page, name: string, text: string): Promise<void> {
  const dataTransfer = await page.evaluateHandle(
    ([fileName, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], fileName));
      return transfer;
    },
    [name, text] as const,
  );
  for (const kind of ['dragenter', 'dragover', 'drop'])
    await terminal(page).dispatchEvent(kind, { dataTransfer });
}

test('what is dropped on the desktop lies on its drive, and what is saved there comes home', async ({
  house,
}) => {
  const { page } = house;
  await page.addInitScript(listen);
  await page.evaluate(listen);
  const { host, port, password } = windows.target;
  await createUser(page, { title: 'Drive user', login: 'ada', password });
  const place = { host, port, gateway: 'Office', protocol: 'RDP', credential: 'Drive user' };
  const switches = ['Ignore the certificate', 'Drive for files, “Sallyport” in the machine'];
  await createMachine(page, { ...place, title: 'Windows with a drive', switches });
  await connect(page, 'Windows with a drive');
  await windows.untilDrive();
  await drop(page, 'to the machine.txt', 'from the person');
  await expect(panel(page).getByText('Uploaded, 15 bytes')).toBeVisible({ timeout: 30_000 });
  await expect.poll(() => existsSync(seen('to the machine.txt'))).toBe(true);
  expect(readFileSync(seen('to the machine.txt'), 'utf8')).toBe('from the person');
  await expect(panel(page).getByText('the machine sees as its drive “Sallyport”')).toBeVisible();
  mkdirSync(seen('Reports'));
  writeFileSync(seen('Reports', 'to the person.txt'), 'from the machine');
  await panel(page).getByRole('button', { name: 'Reload' }).click();
  await entry(page, 'Reports').dblclick();
  await page.evaluate(() => Object.defineProperty(window, 'showSaveFilePicker', { value: undefined }));
  await entry(page, 'to the person.txt').click();
  const [download] = await Promise.all([
    page.waitForEvent('download', { timeout: 30_000 }),
    panel(page).getByRole('button', { name: 'Download', exact: true }).click(),
  ]);
  expect(readFileSync(await download.path(), 'utf8')).toBe('from the machine');
  await expectAccessible(page, 'drive');
});

test('a name that Windows cannot have is refused in words', async ({ house }) => {
  const { page } = house;
  await panel(page).getByRole('button', { name: 'New folder' }).click();
  await panel(page).getByLabel('Name of the new folder').fill('a:b');
  await page.keyboard.press('Enter');
  await expect(panel(page).getByText('Windows allows none of')).toBeVisible();
  await page.keyboard.press('Escape');
  await panel(page).getByRole('button', { name: 'Close files' }).click();
});

test('what is played at the machine is heard in the page, until it is muted', async ({ house }) => {
  const { page } = house;
  const near = async (hertz: number) => Math.abs((await pitchOn(page)) - hertz) < 15;
  const playing = windows.play(tone(440, 20));
  await expect.poll(() => near(440), { timeout: 15_000, intervals: [100] }).toBe(true);
  await page.getByRole('button', { name: 'Mute', exact: true }).click();
  await expect.poll(() => pitchOn(page), { timeout: 15_000, intervals: [100] }).toBe(0);
  await page.getByRole('button', { name: 'Sound on', exact: true }).click();
  await expect.poll(() => near(440), { timeout: 15_000, intervals: [100] }).toBe(true);
  await page.getByRole('button', { name: 'View', exact: true }).click();
  const volume = page.getByRole('group', { name: 'Volume' });
  await volume.getByRole('button', { name: 'Quieter' }).click();
  await expect(volume.getByRole('status')).toHaveText('90 %');
  await expectAccessible(page, 'volume');
  await playing;
  await disconnect(page);
  await expect.poll(() => existsSync(seen('Reports'))).toBe(false);
});

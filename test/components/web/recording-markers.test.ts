// Markers beside the player: by pointer and keys, over a fake worker.
import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { RecordingMarker } from '../../../workers/api.ts';
import { fakeFacts, fakeMarker, fakeRecording } from '../../fakes/recording-verbs.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { button, buttonIn, closeApp, openApp, press, shows } from './app-page.ts';

vi.setConfig({ testTimeout: 60_000 });
const patient = { timeout: 60_000 };
let fake: FakeVault;
beforeEach(() => {
  fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
});
afterEach(closeApp);

const slider = () => document.querySelector<HTMLElement>('[role="slider"]');
const panel = () => document.querySelector<HTMLElement>('[aria-label="Markers"]') ?? document.body;
const writing = () => panel().querySelector('textarea');
const texts = () => [...panel().querySelectorAll('.text')].map(({ textContent }) => textContent);
const shownAt = (atMs: number) =>
  vi.waitFor(() => {
    flushSync();
    expect(document.querySelector('[data-position]')?.getAttribute('data-position')).toBe(String(atMs));
  }, patient);
const shown = (...expected: readonly string[]) =>
  vi.waitFor(() => {
    flushSync();
    expect(texts()).toEqual(expected);
  }, patient);

async function open(markers: RecordingMarker[], unproved = 0) {
  const recording = { ...fakeRecording(fakeFacts({ graphical: false })), markers, unproved };
  fake.recordings.push(recording);
  openApp(fake, `#/recording/${recording.summary.sessionUid}`);
  await vi.waitFor(() => expect(slider()).not.toBeNull(), patient);
  return recording;
}

async function write(text: string, end: string): Promise<void> {
  await vi.waitFor(() => {
    flushSync();
    expect(writing()).not.toBeNull();
  }, patient);
  const field = writing();
  if (field === null) throw new Error('nothing is written');
  expect(document.activeElement).toBe(field);
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  press(end, field);
}

test('a key marks the moment, Enter saves, and it stands in the list and on the line', async () => {
  await open([]);
  await shows('None yet');
  press('End', slider());
  await shownAt(61_000);
  slider()?.focus();
  press('m', slider());
  await write('all is deleted', 'Enter');
  await shown('all is deleted');
  expect(panel().textContent).toContain('1:01');
  expect(document.querySelectorAll('.timeline .marker')).toHaveLength(1);
  expect(document.activeElement).toBe(slider());
  await vi.waitFor(() => expect(writing()).toBeNull(), patient);
  press('Home', slider());
  button('Mark').click();
  await write('dropped', 'Escape');
  await vi.waitFor(() => expect(writing()).toBeNull(), patient);
  await shown('all is deleted');
});

test('one goes from marker to marker by keys, and to one by its button', async () => {
  await open([fakeMarker({ atMs: 30_000, text: 'two' }), fakeMarker({ atMs: 10_000, text: 'one' })]);
  await shown('one', 'two');
  press('.', document.body);
  await shownAt(10_000);
  press('.', document.body);
  await shownAt(30_000);
  press('.', document.body);
  await shownAt(30_000);
  press(',', document.body);
  await shownAt(10_000);
  buttonIn(panel(), '0:30').click();
  await shownAt(30_000);
});

test('an own one is changed, and deleted with a way back; another’s is neither', async () => {
  await open([
    fakeMarker({ atMs: 1_000, text: 'mine' }),
    fakeMarker({ atMs: 2_000, text: 'hers', own: false, email: 'ben@example.test', byFormerKeys: true }),
  ]);
  await shown('mine', 'hers');
  expect(panel().textContent).toContain('ben@example.test');
  expect(panel().textContent).toContain('by keys that were replaced since');
  expect(panel().querySelectorAll('.act')).toHaveLength(1);
  buttonIn(panel(), 'Change this marker').click();
  await write('mine, and better', 'Enter');
  await shown('mine, and better', 'hers');
  buttonIn(panel(), 'Delete this marker').click();
  await shown('hers');
  await vi.waitFor(() => button('Undo'), patient);
  button('Undo').click();
  await shown('mine, and better', 'hers');
});

test('words that are not saved stay when another is to be begun, and have the focus again', async () => {
  await open([fakeMarker({ atMs: 1_000, text: 'mine' })]);
  await shown('mine');
  press('m', document.body);
  await write('half a thou', 'Shift');
  slider()?.focus();
  press('End', slider());
  for (const another of [() => press('m', slider()), () => buttonIn(panel(), 'Change this marker').click()]) {
    slider()?.focus();
    another();
    await vi.waitFor(() => {
      flushSync();
      expect(document.activeElement).toBe(writing());
    }, patient);
    expect(writing()?.value).toBe('half a thou');
  }
  press('Enter', writing());
  await shown('half a thou', 'mine');
});

test('one that is begun while another is saved is not lost', async () => {
  await open([]);
  await shows('None yet');
  const [save, going] = [fake.saveRecordingMarker, Promise.withResolvers<void>()];
  fake.saveRecordingMarker = async (input) => (await going.promise, await save(input));
  press('m', document.body);
  await write('first', 'Enter');
  press('End', slider());
  button('Mark').click();
  going.resolve();
  await shown('first');
  await vi.waitFor(() => expect(writing()?.value).toBe(''), patient);
});

test('what was not saved is back when another was begun meanwhile', async () => {
  await open([]);
  await shows('None yet');
  const going = Promise.withResolvers<void>();
  fake.saveRecordingMarker = async () => {
    await going.promise;
    throw new ProtocolError('offline');
  };
  press('m', document.body);
  await write('important', 'Enter');
  button('Mark').click();
  await vi.waitFor(() => expect(writing()?.value).toBe(''), patient);
  going.resolve();
  await shows('The marker is not saved');
  await vi.waitFor(() => expect(writing()?.value).toBe('important'), patient);
});

test('what fails is said, and what was written is not lost', async () => {
  const recording = await open([]);
  await shows('None yet');
  fake.saveRecordingMarker = async () => {
    throw new ProtocolError('offline');
  };
  press('m', document.body);
  await write('important', 'Enter');
  await shows('The marker is not saved');
  expect(writing()?.value).toBe('important');
  await closeApp();
  fake.recordings.splice(0);
  const list = fake.listRecordingMarkers;
  fake.listRecordingMarkers = async () => {
    throw new ProtocolError('offline');
  };
  fake.recordings.push(recording);
  openApp(fake, `#/recording/${recording.summary.sessionUid}`);
  await shows('Not loaded: No connection to the server');
  fake.listRecordingMarkers = list;
  buttonIn(panel(), 'Try again').click();
  await shows('None yet');
});

test('what nobody proved is left out, and said', async () => {
  await open([fakeMarker({ text: 'real' })], 2);
  await shown('real');
  expect(panel().textContent).toContain('2 markers left out: nobody whom this vault knows wrote them');
});

test('a text that is longer than a marker may be is not sent', async () => {
  await open([]);
  await shows('None yet');
  const save = vi.spyOn(fake, 'saveRecordingMarker');
  press('m', document.body);
  await write('ü'.repeat(2_001), 'Enter');
  await shows('That is too long for a marker');
  expect(save).not.toHaveBeenCalled();
});

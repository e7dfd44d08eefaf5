import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RovingFocus } from '../../../web/vault/list/roving-focus.ts';

let frames: (() => void)[] = [];
let drawn: (HTMLElement | null)[] = [];
let at = 0;
let list = document.body;

beforeEach(() => {
  frames = [];
  vi.stubGlobal('requestAnimationFrame', (frame: () => void) => frames.push(frame));
  list = newEntry();
  drawn = [newEntry(), newEntry(), newEntry()];
  drawn[0]?.focus();
  at = 0;
});
afterEach(() => {
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

const roving = new RovingFocus({
  count: () => 3,
  at: () => at,
  move: (to) => (at = to),
  element: (to) => drawn[to] ?? null,
  hold: () => list.focus(),
});
const press = (key: string) => roving.onKey(new KeyboardEvent('keydown', { key }));

function newEntry(): HTMLElement {
  const entry = document.createElement('button');
  document.body.append(entry);
  return entry;
}

function nextFrame(): void {
  for (const frame of frames.splice(0)) frame();
}

/** As a browser does with what is there and has `visibility: hidden`. */
function hide(entry: HTMLElement | null | undefined): () => void {
  if (!entry) throw new Error('There is no such entry');
  const focus = vi.spyOn(entry, 'focus').mockImplementation(() => undefined);
  return () => focus.mockRestore();
}

test('the focus goes to an entry that is drawn at once', () => {
  press('ArrowDown');
  expect(document.activeElement).toBe(drawn[1]);
  expect(frames).toHaveLength(0);
});

test('an entry that is there and not shown yet takes the focus once it is shown', () => {
  const show = hide(drawn[1]);
  press('ArrowDown');
  nextFrame();
  nextFrame();
  expect(document.activeElement).toBe(list);
  show();
  nextFrame();
  expect(document.activeElement).toBe(drawn[1]);
  expect(frames).toHaveLength(0);
});

test('an entry that is drawn late takes the focus, and keys are the list’s until then', () => {
  const last = drawn[2] ?? null;
  drawn[2] = null;
  press('End');
  drawn[0]?.remove();
  nextFrame();
  expect(document.activeElement).toBe(list);
  drawn[2] = last;
  nextFrame();
  expect(document.activeElement).toBe(last);
});

test('who has gone elsewhere meanwhile is not fetched back', () => {
  const show = hide(drawn[1]);
  press('ArrowDown');
  const elsewhere = newEntry();
  elsewhere.focus();
  show();
  nextFrame();
  expect(document.activeElement).toBe(elsewhere);
  expect(frames).toHaveLength(0);
});

test('of two moves the later one counts', () => {
  const show = hide(drawn[1]);
  press('ArrowDown');
  press('End');
  show();
  nextFrame();
  expect(document.activeElement).toBe(drawn[2]);
});

test('what never shows is waited for at most so long', () => {
  hide(drawn[1]);
  press('ArrowDown');
  for (let frame = 0; frame < 200; frame++) nextFrame();
  expect(frames).toHaveLength(0);
});

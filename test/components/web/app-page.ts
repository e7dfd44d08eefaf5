import { flushSync, mount, unmount } from 'svelte';
import { expect, vi } from 'vitest';
import type { VaultVerbs } from '../../../workers/api.ts';
import AppHarness from './AppHarness.svelte';

let app: ReturnType<typeof mount> | null = null;

/** The whole application over a fake vault, at that address. */
export function openApp(fake: VaultVerbs, hash = ''): void {
  location.hash = hash;
  app = mount(AppHarness, { target: document.body, props: { verbs: fake } });
}

/** For afterEach. */
export async function closeApp(): Promise<void> {
  if (app !== null) await unmount(app);
  app = null;
  document.body.replaceChildren();
}

/** The first page of a file waits for all its parts to be compiled. */
export const shows = (text: string) =>
  vi.waitFor(() => expect(document.body.textContent).toContain(text), { timeout: 100_000 });

/** A button whose text begins so, the `at`th of them. */
export function button(name: string, at = 0): HTMLButtonElement {
  return buttonIn(document, name, at);
}

/** The same, of a part of the page. */
export function buttonIn(part: ParentNode, name: string, at = 0): HTMLButtonElement {
  const found = [...part.querySelectorAll('button')].filter((one) =>
    one.textContent?.trim().startsWith(name),
  );
  const one = found[at];
  if (one === undefined) throw new Error(`there is no button ${name}`);
  return one;
}

/** The same button, once it is there. */
export const awaitButton = (name: string) => vi.waitFor(() => button(name));

/** Types into the field under that label. */
export function type(label: string, text: string): void {
  const found = [...document.querySelectorAll('label')].find(
    ({ textContent }) => textContent?.trim() === label,
  );
  enter(document.getElementById(found?.htmlFor ?? ''), text);
}

/** Types into that field. */
export function enter(field: Element | null | undefined, text: string): void {
  if (!(field instanceof HTMLInputElement)) throw new Error('there is no such field');
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
}

/** A key on an element, or on what has the focus. */
export function press(
  key: string,
  on: Element | null = document.activeElement,
  more: KeyboardEventInit = {},
): void {
  on?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
  flushSync();
}

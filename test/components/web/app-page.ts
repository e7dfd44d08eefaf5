import { flushSync, mount, unmount } from 'svelte';
import { expect, vi } from 'vitest';
import type { FakeVault } from '../../fakes/vault-verbs.ts';
import AppHarness from './AppHarness.svelte';

let app: ReturnType<typeof mount> | null = null;

/** The whole application over a fake vault, at that address. */
export function openApp(fake: FakeVault, hash: string): void {
  location.hash = hash;
  app = mount(AppHarness, { target: document.body, props: { verbs: fake } });
}

/** For afterEach. */
export async function closeApp(): Promise<void> {
  if (app !== null) await unmount(app);
  app = null;
  document.body.replaceChildren();
}

export const shows = (text: string) =>
  vi.waitFor(() => expect(document.body.textContent).toContain(text), { timeout: 15_000 });

/** A button whose text begins so, the `at`th of them. */
export function button(name: string, at = 0): HTMLButtonElement {
  const found = [...document.querySelectorAll('button')].filter((one) =>
    one.textContent?.trim().startsWith(name),
  );
  const one = found[at];
  if (one === undefined) throw new Error(`there is no button ${name}`);
  return one;
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

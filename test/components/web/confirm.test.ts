// A question before something is done: asked once, busy while it is done, open until its asker closes it.
import { flushSync, mount, unmount } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import Confirm from '../../../web/components/Confirm.svelte';
import { button } from './app-page.ts';

let confirm: Record<string, unknown> | null = null;

afterEach(async () => {
  if (confirm !== null) await unmount(confirm);
  confirm = null;
});

function ask(onconfirm: () => Promise<void> | void) {
  const onclose = vi.fn();
  const props = {
    title: 'Delete it?',
    description: 'It is gone then.',
    action: 'Delete',
    onconfirm,
    onclose,
  };
  confirm = mount(Confirm, { target: document.body, props });
  flushSync();
  return onclose;
}

test('Cancel does nothing but close', () => {
  const act = vi.fn();
  const onclose = ask(act);
  button('Cancel').click();
  expect(onclose).toHaveBeenCalledOnce();
  expect(act).not.toHaveBeenCalled();
});

test('what is confirmed twice is done once, and can be tried again when it came to nothing', async () => {
  const done = Promise.withResolvers<void>();
  const act = vi.fn(() => done.promise);
  const onclose = ask(act);
  button('Delete').click();
  flushSync();
  button('Delete').click();
  expect(act).toHaveBeenCalledOnce();
  done.resolve();
  await vi.waitFor(() => expect(button('Delete').disabled).toBe(false), { timeout: 60_000 });
  button('Delete').click();
  expect(act).toHaveBeenCalledTimes(2);
  expect(onclose).not.toHaveBeenCalled();
});

test('while it is done the question is not left, by no way', async () => {
  const done = Promise.withResolvers<void>();
  const onclose = ask(() => done.promise);
  button('Delete').click();
  flushSync();
  const escape = () =>
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }));
  expect(button('Cancel').disabled).toBe(true);
  escape();
  flushSync();
  expect(onclose).not.toHaveBeenCalled();
  done.resolve();
  await vi.waitFor(() => expect(button('Cancel').disabled).toBe(false), { timeout: 60_000 });
  escape();
  expect(onclose).toHaveBeenCalledOnce();
});

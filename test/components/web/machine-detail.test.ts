import { flushSync, mount, unmount } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { ProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import AppHarness from './AppHarness.svelte';

let app: ReturnType<typeof mount> | null = null;

afterEach(async () => {
  if (app !== null) await unmount(app);
  app = null;
  document.body.replaceChildren();
});

/** A machine's page while listGateways fails. */
async function openMachine(code: ErrorCode) {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  const settings = { configurationUid: newUid(), connection: { protocol: 'ssh' } };
  const fields = [
    { type: 'pamHostname', value: [{ hostName: 'web.example.org', port: '22' }] },
    { type: 'pamSettings', value: [settings] },
  ];
  const uid = fake.put({ type: 'pamMachine', title: 'web', fields });
  const listGateways = vi.fn(() => Promise.reject(new ProtocolError(code)));
  location.hash = `#/vault/${uid}`;
  app = mount(AppHarness, { target: document.body, props: { verbs: { ...fake, listGateways } } });
  await vi.waitFor(() => expect(listGateways).toHaveBeenCalled(), { timeout: 60_000 });
  fake.set({ gatewaysVersion: 2 });
  await vi.waitFor(() => expect(listGateways.mock.calls.length).toBeGreaterThan(1));
  flushSync();
  return { toasts: () => [...document.querySelectorAll('.toast')] };
}

test('offline, a machine says in its place that the state of its gateway is not known, and nowhere else', async () => {
  const { toasts } = await openMachine('offline');
  await vi.waitFor(() => expect(document.body.textContent).toContain('Status unknown while offline'));
  expect(toasts()).toEqual([]);
  expect(document.body.textContent).not.toContain('No longer there');
});

test('any other failure is said', async () => {
  const { toasts } = await openMachine('internal');
  await vi.waitFor(() => expect(toasts().length).toBeGreaterThan(0));
});

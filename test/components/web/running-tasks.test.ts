import { flushSync } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, enter, openApp, shows } from './app-page.ts';

afterEach(closeApp);

async function openGateway() {
  const fake = createFakeVault({ phase: 'unlocked' });
  fake.gateways.push({
    ...{ uid: newUid(), name: 'Office', configurationUid: newUid(), status: 'online' },
    ...{ since: Date.now(), version: '0.1.0', address: '127.0.0.1', tokenExpiresAt: 0 },
  });
  openApp(fake, '#/gateways');
  await shows('Office');
  document.querySelector<HTMLButtonElement>('main button[aria-expanded=false]')?.click();
  await shows('ben@example.test');
  return fake;
}

const press = (name: string) => {
  button(name).click();
  flushSync();
};

test('says whose session runs on a gateway, and ends it once that was asked', async () => {
  const fake = await openGateway();
  const endTask = vi.spyOn(fake, 'endTask');
  press('End');
  await shows('End this session?');
  expect(endTask).not.toHaveBeenCalled();
  enter(document.querySelector('[role=dialog] input'), ' maintenance at noon ');
  press('End session');
  await shows('None at the moment.');
  expect(endTask).toHaveBeenCalledOnce();
  expect(endTask.mock.calls[0]?.[0]).toMatchObject({ reason: 'maintenance at noon' });
});

test('a gateway’s refusal is said, and the question stays', async () => {
  const fake = await openGateway();
  vi.spyOn(fake, 'endTask').mockRejectedValue(new ProtocolError('gateway-offline', 'not connected'));
  press('End');
  await shows('End this session?');
  press('End session');
  await vi.waitFor(() => expect(document.querySelector('[role=alert]')).not.toBeNull());
  expect(document.body.textContent).toContain('End this session?');
  press('Cancel');
  await vi.waitFor(() => expect(document.querySelector('[role=dialog]')).toBeNull());
  press('End');
  await shows('End this session?');
  expect(document.querySelector('[role=alert]')).toBeNull(); // of another question
});

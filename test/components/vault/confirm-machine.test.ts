import { flushSync } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import { newUid } from '../../../protocol/uid.ts';
import type { RecordView } from '../../../workers/api.ts';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import { closeApp, openApp, shows } from '../web/app-page.ts';

afterEach(closeApp);

const settings = (launchCredentialUid: Uid) => ({
  configurationUid: newUid(),
  connection: { protocol: 'ssh', hostKeyPolicy: 'ask', launchCredentialUid },
});

/** A machine's page after somebody who may edit it led it elsewhere. */
async function open(access: RecordView['access']) {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  const credential = fake.put({ type: 'pamUser', title: 'root of web', fields: [] });
  const pamSettings = { type: 'pamSettings', value: [settings(credential)] };
  const host = (hostName: string) => ({ type: 'pamHostname', value: [{ hostName, port: '22' }] });
  const content = { type: 'pamMachine', title: 'web', fields: [host('evil.example.org'), pamSettings] };
  const uid = fake.put(content);
  const readRecord = async (asked: Uid) => {
    const view = await fake.readRecord(asked);
    return asked === uid ? { ...view, access, unconfirmed: true, gatewayUid: newUid() } : view;
  };
  const readConfirmedRevision = async () => ({
    ...(await fake.readRecord(uid)),
    content: { ...content, fields: [host('web.example.org'), pamSettings] },
  });
  const confirmMachineChange = vi.fn(() => Promise.resolve());
  const verbs = { ...fake, readRecord, readConfirmedRevision, confirmMachineChange };
  openApp(verbs, `#/vault/${uid}`);
  await shows('web.example.org, port 22');
  flushSync();
  return { uid, confirmMachineChange };
}

const button = () =>
  [...document.querySelectorAll('button')].find(({ textContent }) =>
    textContent?.includes('Confirm where it leads'),
  );

test(
  'its owner sees from where to where it leads, and confirms exactly that revision',
  { timeout: 60_000 },
  async () => {
    const { uid, confirmMachineChange } = await open('owner');
    const [list] = document.querySelectorAll('.confirm dl');
    expect(list?.querySelector('del')?.textContent).toBe('web.example.org, port 22');
    expect(list?.querySelector('ins')?.textContent).toBe('evil.example.org, port 22');
    expect(list?.querySelectorAll('dt')).toHaveLength(1); // what is the same is not said
    button()?.click();
    await vi.waitFor(() =>
      expect(confirmMachineChange).toHaveBeenCalledWith({ recordUid: uid, revision: 1 }),
    );
  },
);

test('who edits it is told that the change waits, and cannot confirm it', async () => {
  await open('edit');
  expect(document.body.textContent).toContain('This change waits for the owner');
  expect(document.body.textContent).toContain('Its owner has not confirmed yet where this machine leads.');
  expect(button()).toBeUndefined();
});

// Attack class 9: the server gives a gateway a former copy of a record, from before a password or a pin was changed.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Uid } from '../../protocol/uid.ts';
import { Installation } from '../fakes/installation.ts';
import { FakePage } from '../fakes/page.ts';

const target = { host: '127.0.0.1', port: 9, username: 'ada', password: 'the old one' };
const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ5dGVzIG9mIGFub3RoZXIga2V5IGZvciBhIHRlc3Q=';

let made: Installation;
const pages: FakePage[] = [];

beforeEach(async () => {
  made = await Installation.make(target);
  await made.start();
});
afterEach(async () => {
  for (const page of pages.splice(0)) page.close();
  await made.stop();
});

async function refusal(): Promise<string> {
  const page = new FakePage();
  pages.push(page);
  const { command } = await made.prepare(page);
  const { outcome } = await made.router.relay(command);
  return outcome.case === 'refused' ? outcome.value.code : 'connected';
}

/** The vault changes everything; the server keeps giving the former copies of these records. */
async function keepBack(...recordUids: Uid[]): Promise<void> {
  const former = recordUids.map((uid) => [uid, made.router.records.get(uid)] as const);
  await made.putConfiguration();
  await made.putMachine({ ...target, password: 'the new one', hostKey });
  for (const [uid, record] of former) if (record) made.router.records.set(uid, record);
}

describe('a server that gives a former copy', () => {
  test.each<[string, (made: Installation) => Uid[]]>([
    ['of the machine: without its pin', ({ machineUid }) => [machineUid]],
    ['of the credential: the password before', ({ credentialUid }) => [credentialUid]],
    ['of the configuration', ({ configurationUid }) => [configurationUid]],
    ['of machine and credential together', ({ machineUid, credentialUid }) => [machineUid, credentialUid]],
  ])('%s: nothing is connected', async (_, which) => {
    await keepBack(...which(made));
    expect(await refusal()).toBe('record-outdated');
    expect(made.gateway?.sessions.size).toBe(0);
  });

  test('a newer copy than the vault has seen is fine: another device has made it', async () => {
    await keepBack();
    for (const [uid, revision] of made.revisions) made.revisions.set(uid, revision - 1);
    expect(await refusal()).toBe('connected');
  });
});

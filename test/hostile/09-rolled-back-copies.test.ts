// Attack class 9: the server gives a gateway a former copy of a record, from before a password or a pin was changed.
import { describe, expect, test } from 'vitest';
import type { Uid } from '../../protocol/uid.ts';
import { EachInstallation } from '../fakes/each-installation.ts';
import type { Installation } from '../fakes/installation.ts';

const target = { host: '127.0.0.1', port: 9, username: 'ada', password: 'the old one' };
const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ5dGVzIG9mIGFub3RoZXIga2V5IGZvciBhIHRlc3Q=';

const each = new EachInstallation(target);

/** The vault changes everything; the server keeps giving the former copies of these records. */
async function keepBack(...recordUids: Uid[]): Promise<void> {
  const former = recordUids.map((uid) => [uid, each.made.router.records.get(uid)] as const);
  await each.made.putConfiguration();
  await each.made.putMachine({ ...target, password: 'the new one', hostKey });
  for (const [uid, record] of former) if (record) each.made.router.records.set(uid, record);
}

describe('a server that gives a former copy', () => {
  test.each<[string, (made: Installation) => Uid[]]>([
    ['of the machine: without its pin', ({ machineUid }) => [machineUid]],
    ['of the credential: the password before', ({ credentialUid }) => [credentialUid]],
    ['of the configuration', ({ configurationUid }) => [configurationUid]],
    ['of machine and credential together', ({ machineUid, credentialUid }) => [machineUid, credentialUid]],
  ])('%s: nothing is connected', async (_, which) => {
    await keepBack(...which(each.made));
    expect(await each.fateOfConnect()).toBe('record-outdated');
    expect(each.made.gateway?.sessions.size).toBe(0);
  });

  test('a newer copy than the vault has seen is fine: another device has made it', async () => {
    await keepBack();
    for (const [uid, revision] of each.made.revisions) each.made.revisions.set(uid, revision - 1);
    expect(await each.fateOfConnect()).toBe('done');
  });
});

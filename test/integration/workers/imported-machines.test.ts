// Imported machines lead nowhere before their owner has seen where, and are confirmed in one go. Real server, real engines.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withValue } from '../../../protocol/records/content.ts';
import { readHostname } from '../../../protocol/records/pam-settings.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { FakeGateway } from '../../fakes/engine-gateway.ts';
import type { TestEngine } from '../../fixtures/engine.ts';
import { startMachineOwners, type MachineOwners } from '../../fixtures/machine-owners.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { jsonBytes } from '../../unit/workers/exchange/samples.ts';

const many = 120;
let owners: MachineOwners;
let owner: TestEngine;
let editor: TestEngine;
let gateway: FakeGateway;
let configurationUid: Uid;

beforeAll(async () => {
  owners = await startMachineOwners();
  ({ owner, editor, gateway, configurationUid } = owners);
});
afterAll(() => owners.close());

async function importMachines(count: number): Promise<readonly Uid[]> {
  const machine = (i: number) => ({
    ...{ uid: `m${i}`, title: `Host ${i}`, $type: 'pamMachine' },
    custom_fields: {
      $pamHostname: { hostName: `10.0.0.${i % 250}`, port: '2222' },
      $pamSettings: { connection: { protocol: 'ssh', launchCredentials: 'u' } },
    },
  });
  const user = { uid: 'u', title: 'Root', $type: 'pamUser', login: 'root', password: 'pw' };
  const bytes = jsonBytes({ records: [user, ...Array.from({ length: count }, (_, i) => machine(i))] });
  const { previewUid } = await owner.previewImport({ format: 'keeper', bytes });
  return (await owner.runImport({ previewUid, folderUid: null })).recordUids;
}

const asSeen = (machines: readonly { uid: Uid; revision: number }[]) =>
  machines.map(({ uid, revision }) => ({ recordUid: uid, revision }));

test('many are shown with where each leads, confirmed, cancelled half-way, and taken back', async () => {
  const uids = await importMachines(many);
  const machines = await owner.listMachinesToConfirm(uids);
  expect(machines).toHaveLength(many);
  expect(machines.find(({ title }) => title === 'Host 7')).toMatchObject({
    ...{ host: '10.0.0.7', port: 2222, protocol: 'ssh', user: 'root' },
  });
  const begun = await owner.confirmMachines(asSeen(machines), () => void owner.cancelBulk('it'), 'it');
  expect(begun).toMatchObject({ changed: 100, of: many, stopped: 'cancelled' });
  expect(await owner.listMachinesToConfirm(uids)).toHaveLength(many - 100);
  await owner.undo(begun.token);
  const again = await owner.listMachinesToConfirm(uids);
  expect(again).toHaveLength(many);
  // One that was changed since it was shown is not confirmed as something else.
  expect(await codeOf(owner.confirmMachines(asSeen(machines)))).toBe('conflict');
  expect(await owner.confirmMachines(asSeen(again))).toMatchObject({ changed: many, stopped: null });
  expect(await owner.listMachinesToConfirm(null)).toEqual([]);
});

test('the gateway follows a confirmed one, and no more when it is taken back', async () => {
  const [uid = '' as Uid] = (await importMachines(1)).filter(Boolean);
  const [machine] = await owner.listMachinesToConfirm(null);
  if (!machine) throw new Error('no machine');
  const given = async () => {
    const content = (await gateway.records()).get(machine.uid);
    return content && readHostname(content).host;
  };
  const { content, withheld, revision: baseRevision } = await owner.readRecord(machine.uid);
  const settings = content.fields.find(({ type }) => type === 'pamSettings')?.value[0];
  const before = typeof settings === 'object' ? settings : {};
  const led = withValue(content, 'pamSettings', [{ ...before, configurationUid }]);
  await owner.saveRecord({ uid: machine.uid, baseRevision, withheld, content: led });
  expect([uid !== '', await given()]).toEqual([true, undefined]);
  const waiting = await owner.listMachinesToConfirm(null);
  const { token } = await owner.confirmMachines(asSeen(waiting));
  expect(await given()).toBe('10.0.0.0');
  await owner.undo(token);
  expect(await given()).toBeUndefined();
  expect((await owner.readRecord(machine.uid)).unconfirmed).toBe(true);
  await owner.confirmMachines(asSeen(await owner.listMachinesToConfirm(null)));
  expect(await given()).toBe('10.0.0.0');

  // What an editor leads elsewhere is nothing to be confirmed among others.
  const grantees = [{ kind: 'account', uid: (await editor.readOrganisation()).ownUid } as const];
  await owner.shareRecords({ recordUids: [machine.uid], grantees, rights: 'edit', expiresAt: null });
  await editor.syncNow();
  const seen = await editor.readRecord(machine.uid);
  const elsewhere = withValue(seen.content, 'pamHostname', [{ hostName: 'evil.example', port: '22' }]);
  const change = { uid: machine.uid, baseRevision: seen.revision, withheld: seen.withheld };
  await editor.saveRecord({ ...change, content: elsewhere });
  await owner.syncNow();
  const { revision, unconfirmed } = await owner.readRecord(machine.uid);
  expect([unconfirmed, await owner.listMachinesToConfirm(null)]).toEqual([true, []]);
  expect(await codeOf(owner.confirmMachines([{ recordUid: machine.uid, revision }]))).toBe('not-allowed');
  expect(await codeOf(editor.confirmMachines([{ recordUid: machine.uid, revision }]))).toBe('not-allowed');
  expect(await given()).toBe('10.0.0.0');
});

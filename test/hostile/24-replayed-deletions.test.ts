// A request of an application is done once. Those that no revision protects are remembered by the store: who kept one (a proxy
// in front of the server) has nothing of it later either. security.md, class 24.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeBase64 } from '../../protocol/bytes.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';
import { SecretsHouse, type SecretsDevice } from '../fixtures/secrets-house.ts';

let open: OpenServer;
let house: SecretsHouse;
let device: SecretsDevice;

beforeAll(async () => {
  open = await startOpenServer();
  house = await SecretsHouse.open(open);
  device = await house.device();
});
afterAll(() => open.close());

test('a deletion that comes again after a restart is refused, though the record is back', async () => {
  const record = await house.record('back again', { direct: { editable: true } });
  const kept = await device.seal({ recordUids: [record.uid] });
  expect((await device.send('delete_secret', kept)).status).toBe(200);
  await forgetWrites(); // as the vault does when its person turns the deletion down
  await open.restart();
  expect(await device.send('delete_secret', kept)).toMatchObject({ status: 403, error: 'access_denied' });
  expect(await house.writes()).toEqual([]);
  expect((await device.send('delete_secret', await device.seal({ recordUids: [record.uid] }))).status).toBe(
    200,
  );
});

test('a rollback that comes again does not undo the next transaction', async () => {
  const record = await house.record('rotated', { direct: { editable: true } });
  const change = async (revision: number) => {
    const data = encodeBase64(new Uint8Array(400));
    const members = { recordUid: record.uid, data, revision, transactionType: 'rotation' };
    expect((await device.send('update_secret', await device.seal(members))).status).toBe(200);
  };
  await change(7);
  const kept = await device.seal({ recordUid: record.uid });
  expect((await device.send('rollback_secret_update', kept)).status).toBe(200);
  await change(9);
  await open.restart();
  expect((await device.send('rollback_secret_update', kept)).status).toBe(403);
  expect((await house.writes()).map(({ transaction }) => transaction)).toContain(2);
});

test('a device that has not used its token writes nothing, whoever wins the token', async () => {
  const record = await house.record('not yet', { direct: { editable: true } });
  const before = await house.writes();
  const stranger = await house.stranger();
  const publicKey = encodeBase64(stranger.keys.publicKey);
  const answer = await stranger.send(
    'delete_secret',
    await stranger.seal({ publicKey, recordUids: [record.uid] }),
  );
  expect(answer).toMatchObject({ status: 403, error: 'access_denied' });
  expect(await house.writes()).toEqual(before);
});

async function forgetWrites(): Promise<void> {
  await open.db.deleteFrom('secret_write').where('account_uid', '=', house.account).execute();
}

import { expect, test } from 'vitest';
import { encodeBase64 } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { sealLegacyEcies } from '../../../protocol/secrets-manager/legacy-crypto.ts';
import { sealSecretJson, wrapSecretKey } from '../../../protocol/secrets-manager/secret-seal.ts';
import { newUid } from '../../../protocol/uid.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { SecretsHouse } from '../../fixtures/secrets-house.ts';

const [here, elsewhere] = ['198.51.100.1', '198.51.100.2'];
const from = (address: string) => ({ 'x-forwarded-for': address });

async function atServer(run: (open: OpenServer) => Promise<void>): Promise<void> {
  const open = await startOpenServer({}, { trustedProxies: ['127.0.0.1'] });
  try {
    await run(open);
  } finally {
    await open.close();
  }
}

test('a device whose key the vault made is at home where it comes from first; elsewhere it is refused, and noted', async () => {
  await atServer(async (open) => {
    const house = await SecretsHouse.open(open);
    const device = await house.stranger({ lockIp: true });
    const of = { public_key: Buffer.from(device.keys.publicKey), encrypted_app_key: null };
    await open.db.updateTable('client').set(of).where('client_id', '=', device.clientId).execute();
    const [one, two] = await Promise.all([
      device.call('get_secret', {}, from(here)),
      device.call('get_secret', {}, from(elsewhere)),
    ]);
    expect([one.status, two.status].sort()).toEqual([200, 403]);
    const [home, away] = one.status === 200 ? [here, elsewhere] : [elsewhere, here];
    expect(await device.call('get_folders', {}, from(home))).toMatchObject({ status: 200 });
    expect(await device.call('update_secret', {}, from(away))).toMatchObject({ error: 'access_denied' });
    const [row] = await open.db
      .selectFrom('client')
      .selectAll()
      .where('client_id', '=', device.clientId)
      .execute();
    expect(row).toMatchObject({ bound_address: home, address: home, first_access_at: expect.any(Number) });
    const denied = (await house.events()).filter(({ name }) => name === 'app_client_access_denied');
    expect(denied.map(({ address, method }) => [address, method])).toEqual([
      [away, 'get_secret'],
      [away, 'update_secret'],
    ]);
  });
});

test('ended access, and a token that ran out, are refused and noted; so is a second device with one token', async () => {
  await atServer(async (open) => {
    const house = await SecretsHouse.open(open);
    const device = await house.device();
    const set = async (values: object) =>
      await open.db.updateTable('client').set(values).where('client_id', '=', device.clientId).execute();
    const end = Date.now() + 60_000;
    await set({ access_expires_at: end });
    expect((await device.read()).expiresOn).toBe(end);
    await set({ access_expires_at: Date.now() - 1 });
    expect(await device.call('get_secret')).toMatchObject({ status: 403, error: 'access_denied' });
    const late = await house.stranger({ firstAccessExpiresAtMs: BigInt(Date.now() - 1000) });
    const publicKey = encodeBase64(late.keys.publicKey);
    expect(await late.call('get_secret', { publicKey })).toMatchObject({
      message: 'Unable to validate application access',
    });
    await set({ access_expires_at: 0 });
    const thief = await device.seal({ publicKey }, late.keys);
    expect(await device.send('get_secret', thief)).toMatchObject({ message: 'Signature is invalid' });
    const names = (await house.events()).map(({ name }) => name);
    expect(names.slice(-2)).toEqual(['app_client_access_denied', 'app_client_expired']);
    expect(names.filter((name) => name === 'app_client_access_denied')).toHaveLength(1);
  });
});

test('accesses within a minute are one row, whose count is complete when the server has stopped', async () => {
  const open = await startOpenServer();
  try {
    const house = await SecretsHouse.open(open);
    const device = await house.device();
    for (let i = 0; i < 9; i++) await device.read();
    await open.restart();
    const accesses = (await house.events()).filter(({ name }) => name === 'app_client_access');
    expect(accesses.map(({ count }) => count)).toEqual([10]);
  } finally {
    await open.close();
  }
});

test('what was created is not there again after it was deleted, however late its request is played back', async () => {
  const open = await startOpenServer();
  try {
    const house = await SecretsHouse.open(open);
    const root = await house.folder('Root', { editable: true });
    const device = await house.device();
    const key = randomBytes(32);
    const [recordUid, folderUid] = [newUid(), newUid()];
    const record = await device.seal({
      ...{ recordUid, folderUid: root.uid, data: encodeBase64(await sealSecretJson(key, {})) },
      recordKey: encodeBase64(await sealLegacyEcies(house.owner.publicKey, key)),
      folderKey: encodeBase64(await wrapSecretKey(root.key, key)),
    });
    const folder = await device.seal({
      ...{ folderUid, sharedFolderUid: root.uid, data: encodeBase64(randomBytes(48)) },
      sharedFolderKey: encodeBase64(randomBytes(64)),
    });
    expect(await device.send('create_secret', record)).toMatchObject({ status: 200 });
    expect(await device.send('create_folder', folder)).toMatchObject({ status: 200 });
    expect(await house.writes()).toHaveLength(2);
    await device.call('delete_secret', { recordUids: [recordUid] });
    await device.call('delete_folder', { folderUids: [folderUid], forceDeletion: false });
    expect(await house.writes()).toEqual([]);
    house.vault.url = (await open.restart()).url;
    const replayed = { status: 403, error: 'access_denied', message: 'The request was sent before' };
    expect(await device.send('create_secret', record)).toMatchObject(replayed);
    expect(await device.send('create_folder', folder)).toMatchObject(replayed);
    expect(await house.writes()).toEqual([]);
  } finally {
    await open.close();
  }
});

test('a refusal says where it happened, in the members that clients know', async () => {
  const open = await startOpenServer();
  try {
    const response = await fetch(`${open.server.url}/api/rest/sm/v1/get_secret`, {
      method: 'POST',
      body: 'x',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      ...{ error: 'bad_request', message: 'The request cannot be read: publickeyid header' },
      ...{ path: '/api/rest/sm/v1/get_secret, POST', additional_info: '', location: '' },
    });
    const strange = await fetch(`${open.server.url}/api/rest/sm/v1/%3Cscript%3E`, {
      method: 'POST',
      body: 'x',
    });
    expect(await strange.text()).not.toContain('script');
  } finally {
    await open.close();
  }
});

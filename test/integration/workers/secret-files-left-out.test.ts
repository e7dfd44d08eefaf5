// Attachments that applications do not get: which, and why, the vault says on every device; the record goes out without them.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type * as limitsModule from '../../../protocol/limits.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { configuredDevice, type SdkDevice } from '../../fixtures/secrets/sdk-device.ts';
import { startTrustedServer, type TrustedServer } from '../../fixtures/secrets/trusted-server.ts';
import { eventually, SecretsVault } from '../../fixtures/secrets-vault.ts';

const largest = 100_000;
const quota = 420_000;

/** Of vaults and of the server: 100,000 bytes of a blob in place of 256 MiB. */
vi.mock('../../../protocol/limits.ts', async (original) => {
  const { limits } = await original<typeof limitsModule>();
  return { limits: { ...limits, secrets: { ...limits.secrets, file: 100_000 } } };
});

const fileOf = (name: string, size: number) => new File([new Uint8Array(size).fill(7)], name);
/** A blob is longer than its file: its nonce and tag. */
const around = 28;

describe('an attachment that applications do not get', () => {
  let open: TrustedServer;
  const closing: SecretsVault[] = [];
  beforeAll(async () => {
    open = await startTrustedServer(
      { rates: { secrets: { burst: 1e5, perSecond: 1e5 } } },
      { fileBounds: { largest: 2 ** 31, quota } },
    );
  });
  afterAll(async () => {
    for (const vault of closing.reverse()) await vault.close();
    await open.close();
  });

  /** `ballast`: a file of a record that no application has. */
  async function people(files: readonly File[], ballast?: File) {
    const vault = await SecretsVault.create(open.server.url);
    closing.push(vault);
    const { engine } = vault;
    const ballastUid = await vault.save('Ballast', 'one');
    if (ballast) await engine.attachFiles({ recordUid: ballastUid, files: [ballast] });
    const applicationUid = await engine.createApplication({ name: 'CI' });
    const recordUid = await vault.save('Safe', 'one');
    for (const file of files) await engine.attachFiles({ recordUid, files: [file] }); // in that order
    await vault.share(applicationUid, recordUid, 'record');
    const added = await engine.addApplicationClient({
      ...{ applicationUid, name: 'runner', lockIp: false, tokenMs: 3_600_000, accessExpiresAt: 0 },
      form: 'configuration',
    });
    if (added.form !== 'configuration') throw new Error('not a configuration');
    return { vault, recordUid, ballastUid, device: configuredDevice(added.json) };
  }

  const leftOut = async ({ engine }: SecretsVault) =>
    (await engine.listApplications()).flatMap(({ shares }) =>
      shares.flatMap(({ filesLeftOut }) => filesLeftOut),
    );
  const filesOf = async (device: SdkDevice, uid: Uid) => {
    const { records } = await device.sdk.getSecrets(device.options, [uid]);
    return records.map(({ files }) => (files ?? []).map(({ data }) => String(data.name)).sort());
  };

  test('is one byte larger than they may read; the one at the bound goes, and the record with it', async () => {
    const files = [fileOf('at.bin', largest - around), fileOf('above.bin', largest - around + 1)];
    const { vault, recordUid, device } = await people(files);
    const told = { recordUid, recordTitle: 'Safe', name: 'above.bin', reason: 'too-large' };
    await eventually(() => leftOut(vault)).toEqual([told]);
    await eventually(() => filesOf(device, recordUid)).toEqual([['at.bin']]);
    const another = await vault.another();
    closing.push(another);
    await eventually(() => leftOut(another)).toEqual([told]);
  });

  test('found no room: those that did are there; once there is room, the next change brings it', async () => {
    const files = [fileOf('first.bin', 90_000), fileOf('second.bin', 90_000), fileOf('small.bin', 1_000)];
    const { vault, recordUid, ballastUid, device } = await people(files, fileOf('ballast', 100_000));
    const told = { recordUid, recordTitle: 'Safe', name: 'second.bin', reason: 'no-room' };
    await eventually(() => leftOut(vault)).toEqual([told]);
    await eventually(() => filesOf(device, recordUid)).toEqual([['first.bin', 'small.bin']]);
    const names = ['first.bin', 'last.bin', 'second.bin', 'small.bin'];
    await vault.engine.trashRecords([ballastUid]);
    await vault.engine.purgeRecords([ballastUid]);
    await vault.engine.attachFiles({ recordUid, files: [fileOf('last.bin', 10)] });
    await eventually(() => filesOf(device, recordUid)).toEqual([names]);
    await eventually(() => leftOut(vault)).toEqual([]);
  });

  test('found no room: another application that gets the record brings it, too, once there is room', async () => {
    const files = [fileOf('first.bin', 90_000), fileOf('second.bin', 90_000)];
    const { vault, recordUid, ballastUid, device } = await people(files, fileOf('ballast', 100_000));
    await eventually(async () => (await leftOut(vault)).map(({ name }) => name)).toEqual(['second.bin']);
    await vault.engine.trashRecords([ballastUid]);
    await vault.engine.purgeRecords([ballastUid]);
    const applicationUid = await vault.engine.createApplication({ name: 'Deployment' });
    await vault.share(applicationUid, recordUid, 'record');
    await eventually(() => filesOf(device, recordUid)).toEqual([['first.bin', 'second.bin']]);
    await eventually(() => leftOut(vault)).toEqual([]);
  });

  test('and that an application adds, is refused with the bound, and nothing of it stays', async () => {
    const { vault, recordUid, device } = await people([]);
    await eventually(() => filesOf(device, recordUid)).toEqual([[]]);
    const before = await device.readOne(recordUid);
    const data = new Uint8Array(largest - around + 1);
    const upload = device.sdk.uploadFile(device.options, before, { name: 'a', title: 'a', data });
    await expect(upload).rejects.toThrow('A file for applications may have');
    expect((await device.readOne(recordUid)).revision).toBe(before.revision);
    const again = await device.readOne(recordUid);
    const at = { name: 'at', title: 'at', data: data.subarray(1) };
    await device.sdk.uploadFile(device.options, again, at);
    await eventually(async () => (await vault.engine.listFiles(recordUid)).map(({ name }) => name)).toEqual([
      'at',
    ]);
    await eventually(() => filesOf(device, recordUid)).toEqual([['at']]);
  });
});

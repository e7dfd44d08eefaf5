// Attachments of a vault as the official SDK fetches them, and what it uploads as attachments of the vault.
import type { KeeperFile, KeeperRecord } from '@keeper-security/secrets-manager-core';
import { createCipheriv } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../../protocol/limits.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { configuredDevice, type SdkDevice } from '../../fixtures/secrets/sdk-device.ts';
import { startTrustedServer, type TrustedServer } from '../../fixtures/secrets/trusted-server.ts';
import { eventually, SecretsVault } from '../../fixtures/secrets-vault.ts';

const mib = limits.fileChunk;

/** Bytes that are the same for the same seed, and no chunk like another. */
function bytesOf(size: number, seed: number): Buffer {
  return createCipheriv('aes-256-ctr', Buffer.alloc(32, seed), Buffer.alloc(16)).update(Buffer.alloc(size));
}

function fileOf(name: string, content: Buffer, type = 'application/octet-stream'): File {
  return new File([new Uint8Array(content)], name, { type, lastModified: 1_700_000_000_000 });
}

describe('files of applications', () => {
  let open: TrustedServer;
  const closing: SecretsVault[] = [];
  beforeAll(async () => {
    open = await startTrustedServer(
      { rates: { secrets: { burst: 1e5, perSecond: 1e5 } } },
      { fileBounds: { largest: 2 ** 31, quota: 2 ** 32 } },
    );
  });
  afterAll(async () => {
    for (const vault of closing.reverse()) await vault.close();
    await open.close();
  });

  async function people(title = 'Safe') {
    const vault = await SecretsVault.create(open.server.url);
    closing.push(vault);
    const { engine } = vault;
    const applicationUid = await engine.createApplication({ name: 'CI' });
    const recordUid = await vault.save(title, 'one');
    const added = await engine.addApplicationClient({
      ...{ applicationUid, name: 'runner', lockIp: false, tokenMs: 3_600_000, accessExpiresAt: 0 },
      form: 'configuration',
    });
    if (added.form !== 'configuration') throw new Error('not a configuration');
    const share = () => vault.share(applicationUid, recordUid, 'record');
    return { vault, engine, recordUid, share, device: configuredDevice(added.json) };
  }

  const filesOf = async (device: SdkDevice, uid: Uid): Promise<KeeperFile[]> => {
    const record = (await device.sdk.getSecrets(device.options, [uid])).records[0];
    return record?.files ?? [];
  };
  const namesOf = async (device: SdkDevice, uid: Uid) =>
    (await filesOf(device, uid)).map(({ data }) => String(data.name)).sort();
  const contentOf = async (device: SdkDevice, file: KeeperFile) =>
    Buffer.from(await device.sdk.downloadFile(file));
  const recordOf = async (device: SdkDevice, uid: Uid): Promise<KeeperRecord> => {
    let record: KeeperRecord | undefined;
    await eventually(async () => {
      record = (await device.sdk.getSecrets(device.options, [uid])).records[0];
      return record?.recordUid;
    }).toBe(uid);
    if (!record) throw new Error('not read');
    return record;
  };
  const downloaded = async (vault: SecretsVault, recordUid: Uid, fileUid: Uid) => {
    const file = (await vault.engine.listFiles(recordUid)).find((one) => one.fileUid === fileUid);
    const parts: Uint8Array[] = [];
    for (let index = 0; index < (file?.chunks ?? 0); index++)
      parts.push(await vault.engine.readFileChunk({ recordUid, fileUid, index }));
    return Buffer.concat(parts);
  };

  test('attachments of every size are fetched as they are', async () => {
    const { engine, recordUid, share, device } = await people();
    const sizes = [0, 1, mib - 29, mib - 1, mib, mib + 1, 20 * mib];
    const files = sizes.map((size, at) => ({ name: `f${at}.bin`, content: bytesOf(size, at) }));
    await engine.attachFiles({ recordUid, files: files.map(({ name, content }) => fileOf(name, content)) });
    await share();
    await eventually(() => namesOf(device, recordUid)).toEqual(files.map(({ name }) => name));
    for (const file of await filesOf(device, recordUid)) {
      const wanted = files.find(({ name }) => name === file.data.name);
      expect(file.data).toMatchObject({ title: wanted?.name, size: wanted?.content.length });
      expect((await contentOf(device, file)).equals(wanted?.content ?? Buffer.alloc(1))).toBe(true);
    }
  }, 180_000);

  test('one that is added, renamed or removed in the vault is so for scripts', async () => {
    const { engine, recordUid, share, device } = await people();
    await share();
    await recordOf(device, recordUid);
    const [fileUid] = await engine.attachFiles({
      recordUid,
      files: [fileOf('one.txt', bytesOf(100, 1), 'text/plain')],
    });
    if (!fileUid) throw new Error('not attached');
    await eventually(() => namesOf(device, recordUid)).toEqual(['one.txt']);
    const [file] = await filesOf(device, recordUid);
    expect(file).toMatchObject({ fileUid, data: { type: 'text/plain', size: 100 } });
    await engine.renameFile({ recordUid, fileUid, name: 'two.txt' });
    await eventually(() => namesOf(device, recordUid)).toEqual(['two.txt']);
    await engine.removeFile({ recordUid, fileUid });
    await eventually(() => namesOf(device, recordUid)).toEqual([]);
    await engine.undoRemoveFile({ recordUid, fileUid });
    await eventually(() => namesOf(device, recordUid)).toEqual(['two.txt']);
    const [again] = await filesOf(device, recordUid);
    if (!again) throw new Error('no file');
    expect((await contentOf(device, again)).equals(bytesOf(100, 1))).toBe(true);
  }, 180_000);

  test.each([0, 1, mib - 1, mib, mib + 1, 20 * mib])(
    'what a script uploads becomes an attachment, and stays a file of the same UID: %i bytes',
    async (size) => {
      const { vault, engine, recordUid, share, device } = await people();
      await share();
      const record = await recordOf(device, recordUid);
      const content = bytesOf(size, 7);
      const fileUid = (await device.sdk.uploadFile(device.options, record, {
        ...{ name: 'build.log', title: 'Build', type: 'text/plain', data: new Uint8Array(content) },
      })) as Uid;
      await eventually(async () => (await engine.listFiles(recordUid)).map(({ name }) => name)).toEqual([
        'build.log',
      ]);
      const [file] = await engine.listFiles(recordUid);
      expect(file).toMatchObject({ fileUid, size, mediaType: 'text/plain' });
      expect((await downloaded(vault, recordUid, fileUid)).equals(content)).toBe(true);
      expect(await vault.passwordOf(recordUid)).toBe('one');
      // Now of the vault's own copy.
      await eventually(async () => (await filesOf(device, recordUid)).map(({ data }) => data.title)).toEqual([
        'build.log',
      ]);
      const [again] = await filesOf(device, recordUid);
      if (!again) throw new Error('no file');
      expect(again.fileUid).toBe(fileUid);
      expect((await contentOf(device, again)).equals(content)).toBe(true);
      const rows = await open.db.selectFrom('secret_file').selectAll().execute();
      expect(rows.filter((row) => Buffer.from(row.file_uid).toString('base64url') === fileUid)).toMatchObject(
        [{ added: false, finished: true }],
      );
    },
    180_000,
  );

  test('a record that a script made and gave a file while no vault was there is taken over with it', async () => {
    const { vault, engine, device } = await people();
    const [application] = await engine.listApplications();
    const folderUid = await engine.createSharedFolder('Builds');
    await vault.share(application?.uid ?? folderUid, folderUid, 'folder');
    await eventually(async () => (await device.sdk.getFolders(device.options)).length).toBe(1);
    await engine.close();
    const content = { type: 'login', title: 'Made', fields: [], notes: 'by a script' };
    const made = (await device.sdk.createSecret(device.options, folderUid, content)) as Uid;
    const data = new Uint8Array(bytesOf(1000, 3));
    const record = await recordOf(device, made);
    await device.sdk.uploadFile(device.options, record, {
      name: 'a.txt',
      title: 'a',
      type: 'text/plain',
      data,
    });
    const later = await vault.another();
    closing.push(later);
    const names = async () => {
      try {
        return (await later.engine.listFiles(made)).map(({ name }) => name);
      } catch {
        return []; // not there yet
      }
    };
    await eventually(names).toEqual(['a.txt']);
    const [file] = await later.engine.listFiles(made);
    if (!file) throw new Error('no file');
    expect((await downloaded(later, made, file.fileUid)).equals(bytesOf(1000, 3))).toBe(true);
    await eventually(() => namesOf(device, made)).toEqual(['a.txt']);
  }, 180_000);

  test('a file too large for scripts is left out, and the record says so', async () => {
    const { engine, recordUid, share, device } = await people();
    const [small, large] = [
      fileOf('small', bytesOf(10, 1)),
      fileOf('large', Buffer.alloc(limits.secrets.file)),
    ];
    await engine.attachFiles({ recordUid, files: [small, large] });
    await share();
    await eventually(() => namesOf(device, recordUid)).toEqual(['small']);
    await eventually(() => engine.listApplications()).toMatchObject([
      {
        shares: [{ filesLeftOut: [{ recordUid, recordTitle: 'Safe', name: 'large', reason: 'too-large' }] }],
      },
    ]);
  }, 300_000);
});

// Import and export in a worker of Chromium: other module system, other platform, no DOM parser.
import { wrap, type Remote } from 'comlink';
import { afterAll, describe, expect, test } from 'vitest';
import { concat, copy, utf8, type Bytes } from '../../protocol/bytes.ts';
import type { ExportSource } from '../../workers/exchange/export-source.ts';
import type { readVault } from '../../workers/exchange/formats.ts';
import { exportSealed } from '../../workers/exchange/sealed-writer.ts';
import { exportZip } from '../../workers/exchange/zip-writer.ts';
import { keepassDatabase, zipOf } from '../unit/workers/exchange/samples.ts';

describe('in a worker', () => {
  const worker = new Worker(new URL('./exchange-worker.ts', import.meta.url), { type: 'module' });
  const { readVault: read } = wrap<{ readVault: typeof readVault }>(worker) satisfies Remote<object>;
  afterAll(() => worker.terminate());

  const source: ExportSource = {
    folders: [['F']],
    async *records() {
      const content = { type: 'login', title: 'T', fields: [{ type: 'password', value: ['pw'] }] };
      const file = {
        name: 'f',
        mediaType: 'a/b',
        size: 3,
        read: async function* () {
          yield utf8('abc');
        },
      };
      yield { content, folder: ['F'], favourite: true, tags: [], links: [], attachments: [file] };
    },
  };

  test('a KeePass file', async () => {
    const database = keepassDatabase('p');
    database.createEntry(database.getDefaultGroup()).fields.set('Title', 'Site').set('Password', 'pw');
    const vault = await read('keepass', copy(new Uint8Array(await database.save())), { password: 'p' });
    expect(vault.records.map(({ content }) => content.title)).toEqual(['Site']);
  });

  test('a 1PUX archive and a user-mapping', async () => {
    const archive = await zipOf({
      'export.data': JSON.stringify({ accounts: [{ vaults: [{ items: [{ overview: { title: 'I' } }] }] }] }),
    });
    expect((await read('onepassword', archive)).records).toHaveLength(1);
    const mapping =
      '<user-mapping><authorize><protocol>ssh</protocol><param name="hostname">h</param></authorize></user-mapping>';
    expect((await read('guacamole-mapping', utf8(mapping))).records).toHaveLength(1);
  });

  test('our own exports, encrypted and as a zip', async () => {
    for (const write of [
      exportZip,
      (from: ExportSource, sink: (bytes: Bytes) => Promise<void>) => exportSealed(from, 'p', sink),
    ]) {
      const parts: Bytes[] = [];
      await write(source, async (bytes) => void parts.push(bytes));
      const { records } = await read('sallyport', concat(...parts), { password: 'p' });
      expect(records[0]?.attachments[0]?.bytes).toEqual(utf8('abc'));
    }
  });
});

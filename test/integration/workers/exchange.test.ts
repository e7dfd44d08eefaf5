import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { concat, parseUtf8, utf8, type Bytes } from '../../../protocol/bytes.ts';
import { linksOf } from '../../../protocol/records/links.ts';
import type { ExportRequest } from '../../../workers/api.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';
import { jsonBytes, zipOf } from '../../unit/workers/exchange/samples.ts';

const password = 'correct horse battery staple';

const machine = {
  $pamHostname: { hostName: 'srv.example', port: '22' },
  $pamSettings: { connection: { protocol: 'ssh', launchCredentials: 'u' } },
};
const sample = [
  {
    uid: 'm',
    title: 'Machine',
    $type: 'pamMachine',
    custom_fields: machine,
    folders: [{ folder: 'Work\\Servers' }],
  },
  {
    uid: 'u',
    title: 'Root',
    $type: 'pamUser',
    login: 'root',
    password: 'pw-root',
    attachments: [{ file_uid: 'f', name: 'key.pem' }],
  },
  { uid: 'l', title: 'Site', login: 'ann', password: 'pw-site', folders: [{ folder: 'Work' }] },
];
const attachment = crypto.getRandomValues(new Uint8Array(60_000));
const keeperFile = () => zipOf({ 'export.json': JSON.stringify(sample), 'files/f': attachment });

describe('moving in and out, against a real server', () => {
  let server: TestServer;
  const engines: TestEngine[] = [];
  beforeAll(async () => void (server = await startTestServer()));
  afterAll(() => server.close());
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });

  async function start(): Promise<TestEngine> {
    const engine = await startEngine(server.url);
    engines.push(engine);
    return engine;
  }

  async function create(email: string): Promise<TestEngine> {
    const engine = await start();
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password });
    return engine;
  }

  async function imported(engine: TestEngine, format: 'keeper' | 'sallyport' | 'bitwarden', bytes: Bytes) {
    const { previewUid } = await engine.previewImport({ format, bytes, password });
    return await engine.runImport({ previewUid, folderUid: null });
  }

  async function exported(engine: TestEngine, request: ExportRequest): Promise<Bytes> {
    const parts: Bytes[] = [];
    await engine.exportVault(request, (bytes) => void parts.push(bytes));
    return concat(...parts);
  }

  /** Everything of the vault that a person would look at, with secrets. */
  async function contents(engine: TestEngine) {
    const { folders } = await engine.listPlaces();
    const nameOf = (uid: string | null) => folders.find((folder) => folder.uid === uid)?.name ?? null;
    const records = await engine.listRecords();
    return await Promise.all(
      records.map(async ({ uid, title, folderUid, favourite, tags }) => {
        const { content } = await engine.readRecord(uid);
        const links = linksOf(content).map(({ role, recordUid }) => [
          role,
          records.find((one) => one.uid === recordUid)?.title,
        ]);
        const files = await engine.listFiles(uid);
        const bytes = await Promise.all(
          files.map(({ fileUid }) => engine.readFileChunk({ recordUid: uid, fileUid, index: 0 })),
        );
        const secret =
          content.type === 'pamMachine'
            ? ''
            : await engine
                .revealField({ recordUid: uid, field: { group: 'fields', index: 1 } })
                .catch(() => '');
        return {
          title,
          folder: nameOf(folderUid),
          favourite,
          tags,
          links,
          secret,
          files: files.map(({ name }) => name),
          bytes,
        };
      }),
    );
  }

  const whole = [
    {
      title: 'Machine',
      folder: 'Servers',
      favourite: false,
      tags: [],
      links: [['launch', 'Root']],
      secret: '',
      files: [],
      bytes: [],
    },
    {
      title: 'Root',
      folder: null,
      favourite: false,
      tags: [],
      links: [],
      secret: 'pw-root',
      files: ['key.pem'],
      bytes: [attachment],
    },
    {
      title: 'Site',
      folder: 'Work',
      favourite: false,
      tags: [],
      links: [],
      secret: 'pw-site',
      files: [],
      bytes: [],
    },
  ];

  test('an import is there on every device, with folders, links and attachments', async () => {
    const engine = await create('import@example.test');
    const result = await imported(engine, 'keeper', await keeperFile());
    expect(result).toMatchObject({ folders: 2, attachments: 1, left: [], cancelled: false });
    expect(await contents(engine)).toEqual(whole);
    const other = await start();
    await other.signIn({ email: 'import@example.test', password });
    expect(await contents(other)).toEqual(whole);
  });

  test.each([{ format: 'sealed', password }, { format: 'zip' }] as const)(
    '$format moves a vault to another account',
    async (request) => {
      const engine = await create(`from-${request.format}@example.test`);
      await imported(engine, 'keeper', await keeperFile());
      const file = await exported(engine, request);
      const other = await create(`to-${request.format}@example.test`);
      expect(await imported(other, 'sallyport', file)).toMatchObject({ left: [], cancelled: false });
      expect(await contents(other)).toEqual(whole);
    },
  );

  test('a machine that moved has a traffic seed of its own', async () => {
    const engine = await create('seed@example.test');
    await imported(engine, 'keeper', await keeperFile());
    const text = parseUtf8(await exported(engine, { format: 'json' }));
    expect(text).not.toMatch(/"trafficEncryptionSeed","value":\["/);
    const [record] = await engine.listRecords({ types: ['pamMachine'] });
    const { withheld } = await engine.readRecord(
      record?.uid ?? (await engine.saveRecord({ content: { type: 'login', title: '', fields: [] } })),
    );
    expect(withheld.length).toBeGreaterThan(0);
  });

  test('a thousand records in one import, and a part of them out again', async () => {
    const engine = await create('many@example.test');
    const items = Array.from({ length: 1000 }, (_, i) => ({
      type: 1,
      name: `Item ${i}`,
      favorite: i % 10 === 0,
      folderId: i % 2 ? 'f' : null,
      login: { username: `u${i}`, password: `p${i}` },
    }));
    const seen: number[] = [];
    const { previewUid, records } = await engine.previewImport({
      format: 'bitwarden',
      bytes: jsonBytes({ items, folders: [{ id: 'f', name: 'Half' }] }),
    });
    const started = performance.now();
    const result = await engine.runImport({ previewUid, folderUid: null }, (done) => void seen.push(done));
    console.log(`import of ${records} records: ${Math.round(performance.now() - started)} ms`);
    expect([result.recordUids.length, result.left, seen.at(-1)]).toEqual([1000, [], 1000]);
    expect(seen.length).toBeGreaterThan(2);
    expect(await engine.listRecords({ favourite: true })).toHaveLength(100);
    const [half] = (await engine.listPlaces()).folders;
    const csv = parseUtf8(
      await exported(engine, { format: 'csv', filter: { folderUid: half?.uid ?? 'top' } }),
    );
    expect(csv.trim().split('\r\n')).toHaveLength(501);
    const again = await engine.previewImport({ format: 'bitwarden', bytes: jsonBytes({ items }) });
    expect(again.known).toBe(1000);
  });

  test('the lock takes the preview with it', async () => {
    const engine = await create('locked@example.test');
    const { previewUid } = await engine.previewImport({
      format: 'bitwarden',
      bytes: jsonBytes({ items: [{ type: 1, name: 'A' }] }),
    });
    await engine.lock();
    await expect(engine.runImport({ previewUid, folderUid: null })).rejects.toMatchObject({ code: 'locked' });
    await engine.unlock({ password });
    await expect(engine.runImport({ previewUid, folderUid: null })).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(engine.detectImport({ name: 'x', bytes: utf8('?') })).resolves.toBeNull();
  });
});

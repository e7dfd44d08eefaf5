// Attack class 13: whoever runs the server looks for the key of a share link in everything that reaches it, and whoever
// has half of a link tries the rest. docs/security.md
import pg from 'pg';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64, encodeBase64url, encodeHex } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import type { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { ShareLinkService } from '../../protocol/messages/gen/share-link_pb.js';
import { newUid, uidBytes } from '../../protocol/uid.ts';
import { deriveShareLinkKeys, encodeShareLink, parseShareLink } from '../../protocol/vault/share-link.ts';
import { createLogger } from '../../server/log/logger.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../server/store/embedded-postgres.ts';
import { webTransport } from '../../workers/transport/web.ts';
import type { Transport } from '../../workers/engine/environment.ts';
import { ApiClient, envelopeOf } from '../fixtures/api-client.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { codeOf } from '../fixtures/outcome.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

const password = 'correct horse battery staple';
const shared = { title: 'Shared title 8471', login: 'shared-login-8471', secret: 'shared-secret-8471' };
const { createShareLink, peekShareLink, openShareLink } = ShareLinkService.method;
const { perAccount } = limits.shareLink;
let server: TestServer;
let postgres: EmbeddedPostgres;
let owner: TestEngine;
const folder = mkdtempSync(join(tmpdir(), 'sallyport-share-'));
const lines: string[] = [];
/** Everything that a client sent: addresses and bodies. */
const sent: Buffer[] = [];
const engines: TestEngine[] = [];

const tapped: Transport = {
  openSocket: webTransport.openSocket,
  request: (url, body, signal) => {
    sent.push(Buffer.from(url.href), Buffer.from(body ?? []));
    return webTransport.request(url, body, signal);
  },
};

beforeAll(async () => {
  const log = createLogger('debug', undefined, { write: (line) => void lines.push(line) });
  postgres = await startEmbeddedPostgres({ folder });
  const { host, user, database } = postgres.connection;
  const databaseUrl = `postgres:///${database}?host=${encodeURIComponent(host)}&user=${user}`;
  server = await startTestServer({ databaseUrl }, { log });
  owner = await startEngine(server.url, { transport: tapped });
  await owner.draftRecoveryPhrase();
  await owner.createAccount({ email: 'owner@example.test', password });
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});
afterAll(async () => {
  await owner.close();
  await server.close();
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

async function visitor(): Promise<TestEngine> {
  const engine = await startEngine(server.url, { transport: tapped });
  engines.push(engine);
  return engine;
}

async function share(views = 1, oneBrowser = false): Promise<string> {
  const recordUid = await owner.saveRecord({
    content: {
      type: 'login',
      title: shared.title,
      fields: [
        { type: 'login', value: [shared.login] },
        { type: 'password', value: [shared.secret] },
      ],
    },
  });
  const fields = [0, 1].map((index) => ({
    path: { group: 'fields', index } as const,
    label: `field ${index}`,
  }));
  const terms = { notes: false, lastsMs: 3_600_000, views, oneBrowser };
  return (await owner.createShareLink({ recordUid, fields, ...terms })).url.split('#share=')[1] ?? '';
}

/** The forms in which bytes are usually written down. */
function formsOf(secret: Uint8Array): Buffer[] {
  const standard = encodeBase64(secret).replace(/=+$/, '');
  const texts = [encodeHex(secret), standard, encodeBase64url(secret), encodeHex(secret).toUpperCase()];
  return [Buffer.from(secret), ...texts.map((text) => Buffer.from(text))];
}

async function secretsOf(link: string): Promise<Map<string, Uint8Array>> {
  const secret = parseShareLink(link);
  const { accessToken } = await deriveShareLinkKeys(secret);
  return new Map<string, Uint8Array>([
    ['link key', secret.key],
    ['fragment', Buffer.from(link)],
    ['access token', accessToken],
    ...Object.entries(shared).map(([name, text]): [string, Uint8Array] => [name, Buffer.from(text)]),
  ]);
}

function findIn(place: string, haystack: Buffer, secrets: ReadonlyMap<string, Uint8Array>): string[] {
  return [...secrets].flatMap(([name, secret]) =>
    formsOf(secret).some((form) => haystack.includes(form)) ? [`${name} in ${place}`] : [],
  );
}

describe('the key of a share link', () => {
  test('is in no request, no row, no file of the store and no log line, before and after it was opened', async () => {
    const link = await share(2);
    expect((await (await visitor()).openShareLink(link)).title).toBe(shared.title);
    const secrets = await secretsOf(link);
    const found = sent.flatMap((bytes) => findIn('request', bytes, secrets));
    found.push(...findIn('log', Buffer.from(lines.join('')), secrets));
    const client = new pg.Client(postgres.connection);
    await client.connect();
    const { rows } = await client.query('SELECT * FROM share_link');
    await client.end();
    expect(rows).toHaveLength(1);
    for (const value of rows.flatMap((row) => Object.values(row)))
      found.push(...findIn('row', Buffer.isBuffer(value) ? value : Buffer.from(String(value)), secrets));
    const entries = readdirSync(join(folder, 'postgres'), { recursive: true, withFileTypes: true });
    for (const { parentPath, name } of entries.filter((entry) => entry.isFile()))
      found.push(...findIn(name, readFileSync(join(parentPath, name)), secrets));
    expect(found).toEqual([]);
    expect(lines.length).toBeGreaterThan(10);
    expect(sent.length).toBeGreaterThan(10);
    // The search would have found them.
    expect(findIn('link', Buffer.from(`x${link}`), secrets)).toEqual(['fragment in link']);
  });

  test('is nothing that the token, the hash or the content give away: another key opens nothing', async () => {
    const link = await share();
    const { linkUid } = parseShareLink(link);
    const forged = encodeShareLink({ linkUid, key: randomBytes(32) });
    expect(await codeOf((await visitor()).openShareLink(forged))).toBe('not-found');
    expect(await codeOf((await visitor()).openShareLink(link))).toBe('done');
  });
});

describe('half a link', () => {
  test('says the same of a wrong token, an unknown link, a used-up one and a revoked one', async () => {
    const link = await share();
    const used = await share();
    const revoked = await share();
    await (await visitor()).openShareLink(used);
    await owner.revokeShareLink(parseShareLink(revoked).linkUid);
    const client = await ApiClient.connect(server.url);
    const answers = [];
    const tokenOf = async (text: string) => (await deriveShareLinkKeys(parseShareLink(text))).accessToken;
    const attempts: readonly (readonly [Uint8Array, Uint8Array])[] = [
      [uidBytes(parseShareLink(link).linkUid), randomBytes(32)],
      [uidBytes(newUid()), await tokenOf(link)],
      [uidBytes(parseShareLink(used).linkUid), await tokenOf(used)],
      [uidBytes(parseShareLink(revoked).linkUid), await tokenOf(revoked)],
    ];
    for (const [linkUid, accessToken] of attempts)
      for (const method of [peekShareLink, openShareLink])
        answers.push(
          await client.call(method, { linkUid, accessToken }).then(
            () => 'done',
            (error: unknown) => `${(error as ProtocolError).code}: ${(error as Error).message}`,
          ),
        );
    expect(new Set(answers)).toEqual(new Set(['not-found: there is no such link']));
    expect(await codeOf((await visitor()).openShareLink(link))).toBe('done');
  });

  test('is guessed a few times, then not at all; whoever has the whole link is not counted', async () => {
    const link = await share(100);
    const linkUid = uidBytes(parseShareLink(link).linkUid);
    const guest = await visitor();
    for (let i = 0; i < 15; i++) await guest.peekShareLink(link);
    const client = await ApiClient.connect(server.url);
    const guess = () => codeOf(client.call(openShareLink, { linkUid, accessToken: randomBytes(32) }));
    const answers = [];
    for (let i = 0; i < 12; i++) answers.push(await guess());
    expect(answers.slice(0, 5)).toEqual(Array(5).fill('not-found'));
    expect(answers.slice(-2)).toEqual(['too-many-requests', 'too-many-requests']);
  });
});

describe('the last view', () => {
  test('is given once: not to a request that is played back, nor to two at the same moment', async () => {
    const link = await share();
    const secret = parseShareLink(link);
    const { accessToken } = await deriveShareLinkKeys(secret);
    const client = await ApiClient.connect(server.url);
    const input = { linkUid: uidBytes(secret.linkUid), accessToken };
    const sealed = await client.seal(openShareLink, input);
    const opened = await client.open(openShareLink, sealed, await client.post(sealed));
    expect(opened.sealedContent.length).toBeGreaterThan(100);
    const again = client.open(openShareLink, sealed, await client.post(sealed));
    expect(await codeOf(again)).toBe('replayed');
    expect(await codeOf(client.call(openShareLink, input))).toBe('not-found');

    const raced = parseShareLink(await share());
    const keys = await deriveShareLinkKeys(raced);
    const both = { linkUid: uidBytes(raced.linkUid), accessToken: keys.accessToken };
    const rivals = await Promise.all([ApiClient.connect(server.url), ApiClient.connect(server.url)]);
    const ends = await Promise.all(rivals.map((rival) => codeOf(rival.call(openShareLink, both))));
    expect(ends.sort()).toEqual(['done', 'not-found']);
  });

  test('leaves nothing of the link in the store', async () => {
    const link = await share();
    const before = await rowsOf(link);
    await (await visitor()).openShareLink(link);
    expect([before, await rowsOf(link)]).toEqual([1, 0]);
  });
});

describe('a link for one browser', () => {
  test('is not opened by a key that somebody else only knows, nor by a proof for another link', async () => {
    const link = await share(5, true);
    const guest = await visitor();
    await guest.openShareLink(link);
    const secret = parseShareLink(link);
    const { accessToken } = await deriveShareLinkKeys(secret);
    const client = await ApiClient.connect(server.url);
    const linkUid = uidBytes(secret.linkUid);
    const browserPublicKey = (await guest.storage.device()).signer.publicKey;
    const unsigned = { linkUid, accessToken, browserPublicKey, browserSignature: new Uint8Array(64) };
    expect(await codeOf(client.call(openShareLink, unsigned))).toBe('bad-signature');
    expect(await codeOf(client.call(openShareLink, { linkUid, accessToken }))).toBe('not-allowed');
  });
});

test('links that are made at once do not come to more than an account may have', async () => {
  const client = await ApiClient.connect(server.url);
  await client.register('eager@example.test', password);
  const link = () => ({
    ...{ linkUid: uidBytes(newUid()), tokenHash: randomBytes(32), views: 1 },
    ...{ sealedContent: envelopeOf('content'), sealedTitle: envelopeOf('title') },
    expiresAtMs: BigInt(Date.now() + 3_600_000),
  });
  const store = new pg.Client(postgres.connection);
  await store.connect();
  await store.query(
    `INSERT INTO share_link SELECT uuid_send(gen_random_uuid()), $1, $2, '', '', 0, $3, 1, 1, false
      FROM generate_series(1, $4)`,
    [Buffer.from(uidBytes(client.accountUid)), Buffer.alloc(32), Date.now() + 3_600_000, perAccount - 1],
  );
  await store.end();
  const made = Array.from({ length: 8 }, () => codeOf(client.call(createShareLink, link())));
  expect((await Promise.all(made)).sort()).toEqual(['done', ...Array(7).fill('limit-reached')]);
});

async function rowsOf(link: string): Promise<number> {
  const client = new pg.Client(postgres.connection);
  await client.connect();
  const uid = Buffer.from(uidBytes(parseShareLink(link).linkUid));
  const { rowCount } = await client.query('SELECT 1 FROM share_link WHERE link_uid = $1', [uid]);
  await client.end();
  return rowCount ?? 0;
}

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ShareLinkService } from '../../../protocol/messages/gen/share-link_pb.js';
import type { NewShareLink } from '../../../workers/api.ts';
import { parseShareLink, deriveShareLinkKeys } from '../../../protocol/vault/share-link.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const password = 'correct horse battery staple';
const hour = 60 * 60_000;
describe('one-time share links', () => {
  let server: TestServer;
  const engines: TestEngine[] = [];
  beforeAll(async () => void (server = await startTestServer()));
  afterAll(() => server.close());
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });

  /** Without an account: a browser of its own each time. */
  async function visitor(): Promise<TestEngine> {
    const engine = await startEngine(server.url);
    engines.push(engine);
    return engine;
  }

  async function owner(email: string) {
    const engine = await visitor();
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password });
    const recordUid = await engine.saveRecord({
      content: {
        type: 'login',
        title: 'Guest Wi-Fi',
        notes: 'Ask at the desk',
        fields: [
          { type: 'login', value: ['guest'] },
          { type: 'password', value: ['wifi-secret'] },
          { type: 'url', value: ['https://wifi.example.test'] },
        ],
      },
    });
    const field = (index: number, label: string) => ({
      path: { group: 'fields', index } as const,
      label,
    });
    const share = async (terms: Partial<NewShareLink> = {}) => {
      const fields = [field(0, 'Login'), field(1, 'Password')];
      const { url, linkUid } = await engine.createShareLink({
        ...{ recordUid, fields, notes: false, lastsMs: hour, views: 1, oneBrowser: false },
        ...terms,
      });
      return { url, linkUid, link: url.split('#share=')[1] ?? '' };
    };
    return { engine, recordUid, share };
  }

  test('someone without an account sees what was chosen, once, and secrets when asked for', async () => {
    const { share } = await owner('share1@example.test');
    const { url, link } = await share();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#share=[\w-]{64}$/);
    const guest = await visitor();
    expect(await guest.peekShareLink(link)).toMatchObject({ viewsLeft: 1, oneBrowser: false });
    expect(await guest.peekShareLink(link)).toMatchObject({ viewsLeft: 1 });
    expect(await guest.openShareLink(link)).toEqual({
      title: 'Guest Wi-Fi',
      note: '',
      fields: [
        { label: 'Login', value: 'guest' },
        { label: 'Password', value: null },
      ],
      viewsLeft: 0,
    });
    expect(await guest.revealShared(1)).toBe('wifi-secret');
    expect(guest.states.at(-1)?.phase).toBe('signed-out');
    expect(await codeOf(guest.openShareLink(link))).toBe('not-found');
    expect(await codeOf((await visitor()).peekShareLink(link))).toBe('not-found');
    await guest.closeShareLink();
    expect(await codeOf(guest.revealShared(1))).toBe('not-found');
  });

  test('the owner sees the links that are left, with what they are of, and takes one back', async () => {
    const { engine, recordUid, share } = await owner('share2@example.test');
    const first = await share({ views: 3, lastsMs: 2 * hour });
    const second = await share({ oneBrowser: true });
    await (await visitor()).openShareLink(first.link);
    const links = await engine.listShareLinks();
    expect(links.map(({ linkUid }) => linkUid)).toEqual([second.linkUid, first.linkUid]);
    expect(links[1]).toMatchObject({ title: 'Guest Wi-Fi', recordUid, views: 3, viewsLeft: 2 });
    expect(links[1]?.lastOpenedAt).toBeGreaterThan(0);
    expect(links[0]).toMatchObject({ oneBrowser: true, lastOpenedAt: 0 });
    await engine.revokeShareLink(first.linkUid);
    expect(await codeOf((await visitor()).openShareLink(first.link))).toBe('not-found');
    expect(await codeOf(engine.revokeShareLink(first.linkUid))).toBe('not-found');
    expect(await engine.listShareLinks()).toHaveLength(1);
  });

  test('a link is a snapshot: what is written later is not in it', async () => {
    const { engine, recordUid, share } = await owner('share3@example.test');
    const { link } = await share({ notes: true });
    const view = await engine.readRecord(recordUid);
    const content = { ...view.content, title: 'Changed', notes: 'changed' };
    await engine.saveRecord({
      uid: recordUid,
      baseRevision: view.revision,
      content,
      withheld: view.withheld,
    });
    const guest = await visitor();
    expect(await guest.openShareLink(link)).toMatchObject({ title: 'Guest Wi-Fi', note: 'Ask at the desk' });
  });

  test('a link for one browser opens in the first one, as often as it has views, and in no other', async () => {
    const { share } = await owner('share4@example.test');
    const { link } = await share({ oneBrowser: true, views: 3 });
    const [first, second] = [await visitor(), await visitor()];
    expect(await first.openShareLink(link)).toMatchObject({ viewsLeft: 2 });
    expect(await codeOf(second.openShareLink(link))).toBe('not-allowed');
    expect(await first.openShareLink(link)).toMatchObject({ viewsLeft: 1 });
  });

  test('terms are kept to: 1 to 100 views, at most 90 days, something chosen', async () => {
    const { share } = await owner('share5@example.test');
    const odd: Partial<NewShareLink>[] = [
      { views: 0 },
      { views: 101 },
      { views: 1.5 },
      { lastsMs: 0 },
      { lastsMs: 91 * 24 * hour },
      { fields: [] },
    ];
    expect(await Promise.all(odd.map((terms) => codeOf(share(terms))))).toEqual(odd.map(() => 'malformed'));
    expect(await codeOf(share({ views: 100, lastsMs: 90 * 24 * hour, fields: [], notes: true }))).toBe(
      'done',
    );
  });

  test('a server that is asked directly keeps to the same terms', async () => {
    const client = await ApiClient.connect(server.url);
    await client.register('share6@example.test', password);
    const create = (change: object) =>
      codeOf(
        client.call(ShareLinkService.method.createShareLink, {
          ...{ linkUid: uidBytes(newUid()), tokenHash: new Uint8Array(32), views: 1 },
          ...{ sealedContent: envelopeOf('content'), sealedTitle: envelopeOf('title') },
          expiresAtMs: BigInt(Date.now() + hour),
          ...change,
        }),
      );
    const odd = [
      { linkUid: new Uint8Array(15) },
      { tokenHash: new Uint8Array(31) },
      { views: 101 },
      { views: 0 },
      { expiresAtMs: BigInt(Date.now() - 1) },
      { expiresAtMs: BigInt(Date.now() + 92 * 24 * hour) },
      { expiresAtMs: -(2n ** 60n) },
      { sealedContent: new Uint8Array(40) },
      { sealedTitle: new Uint8Array(0) },
    ];
    expect(await Promise.all(odd.map(create))).toEqual(odd.map(() => 'malformed'));
    expect(await create({ sealedContent: envelopeOf('x'.repeat(200_000)) })).toBe('too-large');
    const linkUid = uidBytes(newUid());
    expect([await create({ linkUid }), await create({ linkUid })]).toEqual(['done', 'conflict']);
    const stranger = await ApiClient.connect(server.url);
    await stranger.register('share7@example.test', password);
    expect(await codeOf(stranger.call(ShareLinkService.method.revokeShareLink, { linkUid }))).toBe(
      'not-found',
    );
    expect((await stranger.call(ShareLinkService.method.listShareLinks, {})).links).toEqual([]);
  });

  test('an expired link goes by itself, with everything that the server had of it', async () => {
    const { engine, share } = await owner('share8@example.test');
    const { link } = await share({ lastsMs: 300 });
    const kept = await share();
    const guest = await visitor();
    await expect.poll(() => codeOf(guest.peekShareLink(link))).toBe('not-found');
    expect((await engine.listShareLinks()).map(({ linkUid }) => linkUid)).toEqual([kept.linkUid]);
  });

  test('of openers at the same moment, as many as there are views see something', async () => {
    const { share } = await owner('share9@example.test');
    const { link } = await share({ views: 2 });
    const secret = parseShareLink(link);
    const { accessToken } = await deriveShareLinkKeys(secret);
    const guests = await Promise.all(Array.from({ length: 8 }, () => ApiClient.connect(server.url)));
    const ends = await Promise.all(
      guests.map((guest) =>
        codeOf(
          guest.call(ShareLinkService.method.openShareLink, {
            linkUid: uidBytes(secret.linkUid),
            accessToken,
          }),
        ),
      ),
    );
    expect(ends.filter((end) => end === 'done')).toHaveLength(2);
    expect(ends.filter((end) => end === 'not-found')).toHaveLength(6);
  });
});

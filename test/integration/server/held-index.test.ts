// Parts of a sealed index that devices leave for the next new one, at a real server. protocol.md §24.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { limits } from '../../../protocol/limits.ts';
import { AccountService } from '../../../protocol/messages/gen/account_pb.js';
import { HeldIndexService } from '../../../protocol/messages/gen/held-index_pb.js';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { registerPeople, type Person } from '../../fixtures/sharing-client.ts';

const { describeHeldIndex, getHeldIndexPart, putHeldIndexPart, finishHeldIndex } = HeldIndexService.method;
const none = new Uint8Array(0);

let open: OpenServer;
let ada: ApiClient, second: ApiClient, ben: ApiClient;
beforeAll(async () => {
  open = await startOpenServer();
  const people = (await registerPeople(open, 2)) as [Person, Person];
  [ada, ben] = [people[0].client, people[1].client];
  second = await anotherDevice(ada);
});
afterEach(() => vi.useRealTimers());
afterAll(() => open.close());

/** With a device key of its own. */
async function anotherDevice({ accountUid, account }: ApiClient): Promise<ApiClient> {
  const { email } = await open.db
    .selectFrom('account')
    .select('email')
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  const client = await ApiClient.connect(open.server.url);
  await client.login(email, 'correct horse battery');
  client.keys = account;
  return client;
}

const put = (client: ApiClient, generation: Uid, part = 0, partCount = 1, sealed = envelopeOf(`${part}`)) =>
  client.call(putHeldIndexPart, { generationUid: uidBytes(generation), part, partCount, sealed });
const finish = (client: ApiClient, generation: Uid, former: Uint8Array = none, cursor = 7n) =>
  client.call(finishHeldIndex, { generationUid: uidBytes(generation), formerGenerationUid: former, cursor });
const get = async (client: ApiClient, generation: Uint8Array, part = 0) =>
  (await client.call(getHeldIndexPart, { generationUid: generation, part })).sealed;
const held = (client: ApiClient) => client.call(describeHeldIndex, {});

/** Whatever was held is replaced by an index of so many parts. */
async function replace(client: ApiClient, parts = 1): Promise<Uid> {
  const generation = newUid();
  for (let part = 0; part < parts; part++) await put(client, generation, part, parts);
  await finish(client, generation, (await held(client)).generationUid);
  return generation;
}

describe('an index', () => {
  test('counts once all its parts are there, and takes the place of the one before', async () => {
    expect((await held(ada)).generationUid).toEqual(none);
    const first = newUid();
    await put(ada, first, 0, 2);
    expect(await codeOf(finish(ada, first))).toBe('conflict');
    await put(ada, first, 1, 2);
    const again = envelopeOf('once more');
    await put(ada, first, 1, 2, again);
    expect([(await held(ada)).generationUid, await codeOf(get(ada, uidBytes(first)))]).toEqual([
      none,
      'not-found',
    ]);
    await finish(ada, first, none, 9n);
    expect(await held(ada)).toMatchObject({ generationUid: uidBytes(first), partCount: 2, cursor: 9n });
    expect(await get(ada, uidBytes(first), 1)).toEqual(again);
    const second = await replace(ada);
    expect(await held(ada)).toMatchObject({ generationUid: uidBytes(second), partCount: 1 });
    expect(await codeOf(get(ada, uidBytes(first)))).toBe('not-found');
  });

  test('of two devices that replace it at once, one does', async () => {
    const before = (await held(ada)).generationUid;
    const [one, other] = [newUid(), newUid()];
    await put(ada, one);
    expect(await codeOf(put(second, other))).toBe('conflict');
    await finish(ada, one, before);
    await put(second, other);
    expect(await codeOf(finish(second, other, before))).toBe('conflict');
    expect((await held(ada)).generationUid).toEqual(uidBytes(one));
    await finish(second, other, uidBytes(one));
    expect(await codeOf(finish(second, other, uidBytes(other)))).toBe('conflict');
    expect((await held(ada)).generationUid).toEqual(uidBytes(other));
  });

  test('a device that died while it staged one begins anew at once, and nothing of the former is left', async () => {
    const kept = await replace(ada, 2);
    const [dead, next] = [newUid(), newUid()];
    await put(ada, dead, 0, 3);
    await put(ada, dead, 1, 3);
    await put(ada, next, 0, 2);
    expect(await codeOf(put(ada, dead, 2, 3))).toBe('conflict');
    expect(await codeOf(finish(ada, dead, uidBytes(kept)))).toBe('conflict');
    expect(await codeOf(finish(ada, next, uidBytes(kept)))).toBe('conflict'); // the former's second part is not its own
    await put(ada, next, 1, 2);
    expect((await held(ada)).generationUid).toEqual(uidBytes(kept));
    await finish(ada, next, uidBytes(kept));
    expect(await held(ada)).toMatchObject({ generationUid: uidBytes(next), partCount: 2 });
    const parts = await open.db
      .selectFrom('held_index_part')
      .select('generation_uid')
      .where('account_uid', '=', uidBytes(ada.accountUid))
      .execute();
    expect(new Set(parts.map(({ generation_uid }) => uidOf(generation_uid)))).toEqual(new Set([next]));
  });

  test('another device takes over from one that is quiet for a minute, not from one that goes on', async () => {
    const kept = await replace(ada);
    const [slow, next] = [newUid(), newUid()];
    const { quietMs } = limits.heldIndex;
    const start = Date.now();
    const at = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: start + ms });
    await put(ada, slow, 0, 3);
    at(quietMs - 2_000);
    await put(ada, slow, 1, 3);
    at(2 * quietMs - 4_000);
    expect(await codeOf(put(second, next))).toBe('conflict');
    at(2 * quietMs);
    await put(second, next);
    // The slow one is alive after all: it is told, and what the other one stages stays whole.
    expect(await codeOf(put(ada, slow, 2, 3))).toBe('conflict');
    expect(await codeOf(put(ada, newUid()))).toBe('conflict');
    await finish(second, next, uidBytes(kept));
    expect(await codeOf(finish(ada, slow, uidBytes(kept)))).toBe('conflict');
    expect((await held(ada)).generationUid).toEqual(uidBytes(next));
  });

  test('that was cut off goes with the next one that anybody stages, when its time is over', async () => {
    const kept = await replace(ada);
    const [cut, next] = [newUid(), newUid()];
    await put(ada, cut, 0, 3);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + limits.heldIndex.stageMs + 1_000 });
    await put(ben, newUid());
    expect(await codeOf(put(ada, cut, 1, 3))).toBe('conflict');
    await put(ada, next);
    await finish(ada, next, uidBytes(kept));
    expect((await held(ada)).generationUid).toEqual(uidBytes(next));
  });

  test('is its account’s alone', async () => {
    const generation = await replace(ada);
    expect(await codeOf(get(ben, uidBytes(generation)))).toBe('not-found');
    const [staged, former] = [newUid(), (await held(ben)).generationUid];
    await put(ada, staged, 0, 2);
    expect(await codeOf(put(ben, staged, 1, 2))).toBe('conflict');
    expect(await codeOf(finish(ben, staged, former))).toBe('conflict');
    await put(ada, staged, 1, 2);
    await finish(ada, staged, uidBytes(generation));
  });
});

describe('what the server does not take', () => {
  const { part: size, parts } = limits.heldIndex;
  const large = (length: number) => new Uint8Array(length).fill(1);
  const cases: readonly (readonly [string, () => Promise<unknown>, string])[] = [
    ['more parts than there may be', () => put(ben, newUid(), 0, parts + 1), 'too-large'],
    ['no parts', () => put(ben, newUid(), 0, 0), 'malformed'],
    ['a part beyond the last', () => put(ben, newUid(), 1, 1), 'malformed'],
    ['a part without the first', () => put(ben, newUid(), 1, 2), 'conflict'],
    ['a part that is too large', () => put(ben, newUid(), 0, 1, large(size + 38)), 'too-large'],
    ['a part in clear', () => put(ben, newUid(), 0, 1, randomBytes(20)), 'malformed'],
    ['the end of what was not staged', () => finish(ben, newUid()), 'conflict'],
    ['a place beyond every feed', () => finish(ben, newUid(), none, 2n ** 63n), 'malformed'],
  ];
  test.each(cases)('%s', async (_, call, code) => {
    expect(await codeOf(call())).toBe(code);
  });

  test('another number of parts than the first one said', async () => {
    const generation = newUid();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * limits.heldIndex.stageMs });
    await put(ben, generation, 0, 3);
    expect(await codeOf(put(ben, generation, 1, 2))).toBe('conflict');
    expect(await codeOf(put(ben, generation, 0, 2))).toBe('conflict');
    await put(ben, generation, 0, 3, large(size + 37));
  });
});

test('an account that goes takes its index along, what is staged too', async () => {
  const email = 'goes@example.test';
  const client = await ApiClient.connect(open.server.url);
  await client.register(email, 'correct horse battery staple');
  await replace(client, 2);
  await put(client, newUid(), 0, 2);
  const left = (table: 'held_index' | 'held_index_part') =>
    open.db.selectFrom(table).select('account_uid').where('account_uid', '=', uidBytes(client.accountUid));
  expect(await left('held_index_part').execute()).toHaveLength(3);
  await client.call(AccountService.method.deleteAccount, { email });
  expect([await left('held_index').execute(), await left('held_index_part').execute()]).toEqual([[], []]);
});

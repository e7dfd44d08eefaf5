// What a vault does when the account's applications have as many records as they may.
import { beforeEach, describe, expect, test } from 'vitest';
import { empty } from '../../../../protocol/bytes.ts';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../../protocol/errors.ts';
import { newUid, uidOf, type Uid } from '../../../../protocol/uid.ts';
import { RecordKeeper, type RecordKeeperParts } from '../../../../workers/engine/secrets/record-keeper.ts';
import type { Round } from '../../../../workers/engine/secrets/round.ts';
import type { RecordState } from '../../../../workers/engine/secrets/server-state.ts';

const applicationUid = newUid();
const holders = new Set([applicationUid]);
const places = new Map<Uid, Uid | null>();

/** A server that has room for so many records, all or nothing of each request. */
let room: number;
/** Revisions of the records that the server has. */
let there: Map<Uid, bigint>;
/** Revisions of the vault's own. */
let records: Map<Uid, number>;
let requests: number;
let warnings: string[];
beforeEach(() => {
  [room, requests, warnings] = [Infinity, 0, []];
  [there, records] = [new Map(), new Map()];
});

interface Put {
  readonly versions?: readonly { readonly recordUid: Uint8Array; readonly baseRevision: bigint }[];
}

function keeper(): RecordKeeper {
  const call = async (_method: unknown, { versions = [] }: Put) => {
    requests++;
    const after = new Map(there);
    for (const { recordUid, baseRevision } of versions) after.set(uidOf(recordUid), baseRevision);
    if (after.size > room) throw new ProtocolError('limit-reached', 'too much already');
    there = after;
  };
  const revisionOf = (uid: Uid) => records.get(uid) ?? 0;
  const parts = {
    ...{ accountUid: newUid(), session: { call }, signal: new AbortController().signal },
    book: {
      get: (uid: Uid) => ({ revision: revisionOf(uid), keyVersion: 1 }),
      open: async (uid: Uid) => ({
        ...{ uid, key: randomBytes(32), content: { type: 'login', title: 'a', fields: [] } },
        row: { revision: BigInt(revisionOf(uid)), keyVersion: 1, policy: empty },
      }),
    },
    warn: (message: string) => void warnings.push(message),
  };
  return new RecordKeeper(parts as unknown as RecordKeeperParts);
}

function roundOf(): Round {
  const states = [...there].map(([uid, baseRevision]): [Uid, RecordState] => [
    uid,
    { baseRevision, keyVersion: 1, holders, places, files: new Set(), written: false },
  ]);
  const wanted = new Map([...records.keys()].map((uid) => [uid, { uid, holders, places }]));
  return {
    wanted: { records: wanted },
    state: { records: new Map(states), folders: new Map(), shares: new Map() },
    taken: { records: new Map(), folders: new Map() },
    ...{ waiting: new Set(), holderKeys: new Map([[applicationUid, randomBytes(32)]]) },
    ...{ going: () => undefined, changed: false },
  } as unknown as Round;
}

const add = (count: number) =>
  Array.from({ length: count }, () => {
    const uid = newUid();
    records.set(uid, 1);
    return uid;
  });

describe('where there is no room for all records', () => {
  test('as many go as there is room for, the vault says that there is no more, and asks little', async () => {
    const uids = add(1_000);
    room = 137;
    await keeper().keep(roundOf());
    expect([...there.keys()]).toEqual(uids.slice(0, 137));
    expect(warnings).toEqual(['applications have as many records as they may']);
    expect(requests).toBeLessThan(20);
  });

  test('what is there already stays the newest', async () => {
    const known = add(3);
    await keeper().keep(roundOf());
    const [first, second, third] = known;
    records = new Map(add(5).map((uid) => [uid, 1]));
    for (const [uid, revision] of [
      [first, 2],
      [second, 1],
      [third, 7],
    ] as const)
      records.set(uid ?? newUid(), revision);
    room = 3;
    await keeper().keep(roundOf());
    expect([...there]).toEqual([
      [first, 2n],
      [second, 1n],
      [third, 7n],
    ]);
    expect(warnings).toHaveLength(1);
  });

  test('the rest goes as soon as there is room', async () => {
    const uids = add(10);
    room = 4;
    const same = keeper();
    await same.keep(roundOf());
    expect(there.size).toBe(4);
    room = 10;
    await same.keep(roundOf());
    expect(new Set(there.keys())).toEqual(new Set(uids));
    expect(warnings).toHaveLength(1);
  });
});

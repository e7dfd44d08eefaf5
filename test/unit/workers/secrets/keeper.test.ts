import { describe, expect, test } from 'vitest';
import { newUid } from '../../../../protocol/uid.ts';
import { SecretsKeeper, type KeeperParts } from '../../../../workers/engine/secrets/keeper.ts';

/** A keeper of a vault with one application that has nothing, and what it asks the server for. */
function keeperWith({ isEmpty = false, isComplete = true } = {}) {
  const asked: string[] = [];
  const hooks: { onAsked: (name: string) => void } = { onAsked: () => undefined };
  const call = async ({ name }: { readonly name: string }) => {
    asked.push(name);
    hooks.onAsked(name);
    await Promise.resolve();
    return name === 'ListSecrets'
      ? { records: [], folders: [], shares: [], hasMore: false }
      : { writes: [], hasMore: false };
  };
  const nothing = async () => undefined;
  const parts = {
    accountUid: newUid(),
    session: { call },
    applications: { isEmpty, all: async () => [] },
    shareKeeper: { remove: nothing, putFolders: nothing, putRecords: nothing },
    takeOver: {
      run: async () => ({ records: new Map(), folders: new Map(), refused: new Map(), conflict: false }),
      settled: () => undefined,
    },
    isComplete: () => isComplete,
    sync: nothing,
    exclusive: (_name: string, task: () => Promise<unknown>) => task(),
    signal: new AbortController().signal,
    onChanged: () => undefined,
    warn: () => undefined,
  };
  return { keeper: new SecretsKeeper(parts as unknown as KeeperParts), asked, hooks };
}

describe('the keeper of what applications see', () => {
  test('asks nothing of anybody without an application, or while the vault is not whole', async () => {
    for (const state of [{ isEmpty: true }, { isComplete: false }]) {
      const { keeper, asked } = keeperWith(state);
      await keeper.look();
      await keeper.run();
      expect(asked).toEqual([]);
    }
  });

  test('asks once, and after a change of the vault’s own not again', async () => {
    const { keeper, asked } = keeperWith();
    await keeper.look();
    await keeper.run();
    expect(asked).toEqual(['ListSecrets', 'ListSecretWrites']);
  });

  test('asks again when an application writes while it asks: what it was told may be from before', async () => {
    const { keeper, asked, hooks } = keeperWith();
    let again: Promise<void> | null = null;
    hooks.onAsked = () => (again ??= keeper.look());
    await keeper.look();
    await again;
    expect(asked.filter((name) => name === 'ListSecretWrites')).toHaveLength(2);
  });

  test('what is asked for many times while it has not begun is one run', async () => {
    const { keeper, asked } = keeperWith();
    await Promise.all(Array.from({ length: 20 }, () => keeper.look()));
    expect(asked).toHaveLength(2);
  });
});

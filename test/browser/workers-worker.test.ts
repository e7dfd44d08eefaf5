// The worker itself, behind comlink: what crosses the boundary and what does not.
import { proxy, wrap, type Remote } from 'comlink';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VaultState, VaultVerbs } from '../../workers/api.ts';
import { toProtocolError } from '../../protocol/errors.ts';

describe('the vault worker', () => {
  let worker: Worker;
  let verbs: Remote<VaultVerbs>;

  beforeEach(() => {
    worker = new Worker(new URL('../../workers/vault-worker.ts', import.meta.url), { type: 'module' });
    verbs = wrap<VaultVerbs>(worker);
  });
  afterEach(() => worker.terminate());

  test('tells its state to a listener of the page, at once', async () => {
    const { promise, resolve } = Promise.withResolvers<VaultState>();
    await verbs.watch(proxy(resolve));
    expect(await promise).toMatchObject({ phase: 'signed-out', email: null, link: 'off' });
  });

  test('an error keeps its code as its name', async () => {
    const error = await verbs.listRecords().catch((reason: unknown) => reason);
    expect(toProtocolError(error)).toMatchObject({ code: 'locked', message: 'the vault is locked' });
    const refused = await verbs.unlock({ password: 'x' }).catch((reason: unknown) => reason);
    expect(toProtocolError(refused)?.code).toBe('not-signed-in');
  });

  test('makes passwords and phrases', async () => {
    const options = {
      kind: 'characters',
      length: 24,
      upper: true,
      lower: true,
      digits: true,
      symbols: false,
    } as const;
    expect((await verbs.generatePassword(options)).password).toMatch(
      /^(?=.*[A-Z])(?=.*[a-z])(?=.*\d)[A-Za-z\d]{24}$/,
    );
    expect((await verbs.draftRecoveryPhrase()).split(' ')).toHaveLength(24);
  });

  test('asks the origin that served it, and says so when there is no vault server', async () => {
    const error = await verbs.getServerInfo().catch((reason: unknown) => reason);
    expect(toProtocolError(error)).not.toBeNull();
  });
});

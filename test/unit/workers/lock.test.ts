import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tabsOn } from '../../../workers/engine/tabs.ts';
import { MemoryStorage } from '../../../workers/storage/memory.ts';
import { HostileServer } from '../../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';

const password = 'correct horse battery staple';
const ada = { email: 'ada@example.test', password };

let server: HostileServer;
let channel: string;
const engines: TestEngine[] = [];

beforeEach(async () => {
  server = await HostileServer.start();
  channel = crypto.randomUUID();
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

async function openTab(storage = new MemoryStorage()): Promise<TestEngine> {
  const tabs = tabsOn(new BroadcastChannel(channel));
  const engine = await startEngine(server.origin, { transport: server.transport, storage, tabs });
  engines.push(engine);
  return engine;
}

async function twoTabs(): Promise<[TestEngine, TestEngine]> {
  const storage = new MemoryStorage();
  const first = await openTab(storage);
  await first.draftRecoveryPhrase();
  await first.createAccount(ada);
  const second = await openTab(storage);
  await second.unlock({ password });
  return [first, second];
}

const phaseOf = (engine: TestEngine) => engine.states.at(-1)?.phase;
const isLocked = ({ phase }: { phase: string }) => phase === 'locked';

describe('tabs of one origin', () => {
  test('lock together when a person locks one', async () => {
    const [first, second] = await twoTabs();
    await first.lock();
    await second.until(isLocked);
    await expect(second.listRecords()).rejects.toMatchObject({ name: 'locked' });
    await first.unlock({ password });
    expect([phaseOf(first), phaseOf(second)]).toEqual(['unlocked', 'locked']);
  });

  test('lock when the person signs out in one, and then find nobody signed in', async () => {
    const [first, second] = await twoTabs();
    await first.signOut();
    await second.until(isLocked);
    await expect(second.unlock({ password })).rejects.toMatchObject({ name: 'not-signed-in' });
  });

  test('do not lock another account', async () => {
    const [first, second] = await twoTabs();
    const other = await openTab();
    await other.draftRecoveryPhrase();
    await other.createAccount({ email: 'bob@example.test', password });
    await first.lock();
    await second.until(isLocked);
    expect(phaseOf(other)).toBe('unlocked');
  });
});

describe('a drafted recovery phrase', () => {
  const leave: readonly (readonly [string, (engine: TestEngine) => Promise<unknown>])[] = [
    ['the page discards it', (engine) => engine.discardRecoveryPhrase()],
    ['the vault is locked', (engine) => engine.lock()],
    ['the person signs out', (engine) => engine.signOut()],
    ['somebody signs in', (engine) => engine.signIn(ada).then(() => engine.signOut())],
  ];

  test.each(leave)('is forgotten when %s', async (_, way) => {
    await twoTabs();
    const engine = await openTab();
    await engine.draftRecoveryPhrase();
    await way(engine);
    const created = engine.createAccount({ email: 'new@example.test', password });
    await expect(created).rejects.toMatchObject({ name: 'malformed' });
  });

  test('serves a second try after a creation that failed', async () => {
    const engine = await openTab();
    await engine.draftRecoveryPhrase();
    await expect(engine.createAccount({ ...ada, password: 'short' })).rejects.toThrow();
    await engine.createAccount(ada);
    expect(phaseOf(engine)).toBe('unlocked');
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Environment, Transport } from '../../../workers/engine/environment.ts';
import { webTransport } from '../../../workers/transport/web.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const password = 'correct horse battery staple';
const record = (title: string) => ({ content: { type: 'login', title, fields: [] } });

describe('the link of the vault', () => {
  let server: TestServer;
  let count = 0;
  const engines: TestEngine[] = [];
  beforeAll(async () => void (server = await startTestServer()));
  afterAll(() => server.close());
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });

  async function start(changes: Partial<Environment> = {}): Promise<TestEngine> {
    const engine = await startEngine(server.url, changes);
    engines.push(engine);
    return engine;
  }

  async function create(changes: Partial<Environment> = {}): Promise<{ engine: TestEngine; email: string }> {
    const engine = await start(changes);
    const email = `link${++count}@example.test`;
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password });
    await engine.until(({ link }) => link === 'connected');
    return { engine, email };
  }

  const titles = async (engine: TestEngine) => (await engine.listRecords()).map(({ title }) => title);

  test('comes back after a restart of the server, with all that was missed', async () => {
    const { engine, email } = await create();
    const other = await start();
    await other.signIn({ email, password });
    await other.until(({ link }) => link === 'connected');
    const lost = other.until(({ link }) => link === 'connecting');
    server = await server.restart();
    await lost;
    await engine.until(({ link }) => link === 'connected');
    await engine.saveRecord(record('while away'));
    await other.until(({ link }) => link === 'connected');
    await other.syncNow();
    expect(await titles(other)).toEqual(['while away']);
    expect(other.states.every(({ phase }) => phase !== 'locked')).toBe(true);
  });

  test('a session that ended elsewhere locks the vault at once, and says why', async () => {
    const { engine, email } = await create();
    const other = await start();
    await other.signIn({ email, password });
    await other.signOut({ everywhere: true });
    const state = await engine.until(({ phase }) => phase === 'locked');
    expect(state).toMatchObject({ notice: 'session-ended', link: 'off' });
    await engine.unlock({ password });
    const back = await engine.until(({ link }) => link === 'connected');
    expect(back).toMatchObject({ phase: 'unlocked', notice: null });
  });

  test('the own password change keeps this device signed in and linked', async () => {
    const { engine } = await create();
    await engine.changePassword({ password, newPassword: 'an even better password' });
    await engine.until(({ link }) => link === 'connecting');
    await engine.until(({ link }) => link === 'connected');
    await engine.saveRecord(record('after'));
    expect(engine.states.at(-1)?.phase).toBe('unlocked');
  });

  test('a vault that was unlocked without a network goes online by itself', async () => {
    const { engine } = await create();
    await engine.saveRecord(record('kept'));
    await engine.close();
    let connected = false;
    const patchy: Transport = {
      openSocket: webTransport.openSocket,
      request: (...parts) =>
        connected ? webTransport.request(...parts) : Promise.reject(new TypeError('down')),
    };
    const back = await start({ storage: engine.storage, transport: patchy });
    await back.unlock({ password });
    expect(await titles(back)).toEqual(['kept']);
    await back.until(({ link }) => link === 'connecting');
    connected = true;
    await back.until(({ link }) => link === 'connected');
    await back.saveRecord(record('new'));
    expect(await titles(back)).toEqual(['kept', 'new']);
  });

  test('a link whose frames were touched on the way is closed and opened anew', async () => {
    let touch = false;
    const touched: Transport = {
      request: webTransport.request,
      openSocket: (url, events) =>
        webTransport.openSocket(url, {
          ...events,
          opened: () => events.opened(),
          closed: () => events.closed(),
          received: (frame) => {
            if (touch) frame[0] = (frame[0] ?? 0) ^ 1;
            touch = false;
            events.received(frame);
          },
        }),
    };
    const { engine, email } = await create({ transport: touched });
    const other = await start();
    await other.signIn({ email, password });
    touch = true;
    const lost = engine.until(({ link }) => link === 'connecting');
    await other.saveRecord(record('hint'));
    await lost;
    await engine.until(({ link }) => link === 'connected');
    await engine.syncNow();
    expect(await titles(engine)).toEqual(['hint']);
  });

  test('closing an engine leaves no socket and no timer that would keep a script alive', async () => {
    const { engine } = await create();
    await engine.close();
    expect(engine.states.at(-1)?.link).toBe('off');
    await expect(engine.listRecords()).rejects.toMatchObject({ name: 'locked' });
    await expect(engine.unlock({ password })).rejects.toMatchObject({ name: 'cancelled' });
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SaveRecord } from '../../../workers/api.ts';
import type { Environment } from '../../../workers/engine/environment.ts';
import { webTransport } from '../../../workers/transport/web.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';
import { UnsteadyTransport } from '../../fixtures/unsteady-transport.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import { MemoryStorage } from '../../../workers/storage/memory.ts';

const password = 'correct horse battery staple';
const put = 'RecordService/PutRecords';
const login = (title: string, secret = 'hunter2 is not enough'): SaveRecord => ({
  content: {
    type: 'login',
    title,
    fields: [
      { type: 'login', value: ['ada'] },
      { type: 'password', value: [secret] },
      { type: 'url', value: ['https://shop.example.test'] },
    ],
  },
});

describe('the vault engine against a real server', () => {
  let server: TestServer;
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

  async function create(email: string): Promise<{ engine: TestEngine; phrase: string }> {
    const engine = await start();
    const phrase = await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password });
    return { engine, phrase };
  }

  async function signIn(email: string, secret = password): Promise<TestEngine> {
    const engine = await start();
    await engine.signIn({ email, password: secret });
    return engine;
  }

  const titles = async (engine: TestEngine) => (await engine.listRecords()).map(({ title }) => title);

  test('a new device is signed out, a new account unlocked, with 24 words for recovery', async () => {
    const fresh = await start();
    expect(fresh.states.at(-1)?.phase).toBe('signed-out');
    expect(await fresh.getServerInfo()).toMatchObject({ openSignUp: true });
    const { engine, phrase } = await create('new@example.test');
    expect(phrase.split(' ')).toHaveLength(24);
    expect(engine.states.at(-1)).toMatchObject({ phase: 'unlocked', email: 'new@example.test' });
  });

  test('records travel both ways between two devices, secrets only when asked for', async () => {
    const { engine: first } = await create('two@example.test');
    const uid = await first.saveRecord(login('Shop'));
    const second = await signIn(' TWO@example.test');
    expect(await second.listRecords({ query: 'shop ada' })).toMatchObject([
      { uid, title: 'Shop', subtitle: 'ada' },
    ]);
    const view = await second.readRecord(uid);
    expect(view.content.fields[1]).toEqual({ type: 'password', value: [] });
    expect(view.withheld).toEqual([{ group: 'fields', index: 1 }]);
    expect(await second.revealField({ recordUid: uid, field: { group: 'fields', index: 1 } })).toBe(
      'hunter2 is not enough',
    );
    const content = { ...view.content, title: 'Renamed' };
    await second.saveRecord({ uid, baseRevision: view.revision, content, withheld: view.withheld });
    await first.syncNow();
    expect(await titles(first)).toEqual(['Renamed']);
    expect(await first.revealField({ recordUid: uid, field: { group: 'fields', index: 1 } })).toBe(
      'hunter2 is not enough',
    );
  });

  test('a stale edit is a conflict and changes nothing', async () => {
    const { engine: first } = await create('stale@example.test');
    const uid = await first.saveRecord(login('One'));
    const second = await signIn('stale@example.test');
    await second.saveRecord({ ...login('Two'), uid, baseRevision: 1 });
    await expect(first.saveRecord({ ...login('Three'), uid, baseRevision: 1 })).rejects.toMatchObject({
      name: 'conflict',
    });
    await first.syncNow();
    expect(await titles(first)).toEqual(['Two']);
  });

  test('a save whose answer was lost is not made twice, and is no conflict with itself', async () => {
    const { engine: first } = await create('unanswered@example.test');
    await first.close();
    const transport = new UnsteadyTransport();
    const engine = await start({ transport });
    await engine.signIn({ email: 'unanswered@example.test', password });
    const loseNext = () => {
      const lost = transport.count(put) + 1;
      transport.fate = (method, nth) => (method === put && nth === lost ? 'answer-is-lost' : 'arrives');
    };
    const wanted = { ...login('Once'), newUid: newUid() };
    loseNext();
    await expect(engine.saveRecord(wanted)).rejects.toMatchObject({ code: 'offline' });
    const uid = await engine.saveRecord(wanted);
    expect(await titles(engine)).toEqual(['Once']);
    const { revision } = await engine.readRecord(uid);
    const changed = { ...login('Twice'), uid, baseRevision: revision };
    loseNext();
    await expect(engine.saveRecord(changed)).rejects.toMatchObject({ code: 'offline' });
    expect(await engine.saveRecord(changed)).toBe(uid);
    expect(await titles(engine)).toEqual(['Twice']);
    await expect(engine.saveRecord({ ...login('Other'), uid, baseRevision: revision })).rejects.toMatchObject(
      {
        code: 'conflict',
      },
    );
  });

  test('a device without room says so, and has everything once there is room', async () => {
    const { engine: first } = await create('narrow@example.test');
    await first.saveRecord(login('Kept'));
    const storage = new MemoryStorage();
    const commit = storage.commit.bind(storage);
    let full = true;
    storage.commit = async (page) => {
      if (full) throw new ProtocolError('storage-full');
      return await commit(page);
    };
    const engine = await start({ storage });
    await expect(engine.signIn({ email: 'narrow@example.test', password })).rejects.toMatchObject({
      code: 'storage-full',
    });
    expect(engine.states.at(-1)).toMatchObject({ phase: 'unlocked', storageFull: true });
    full = false;
    await engine.syncNow();
    expect(engine.states.at(-1)).toMatchObject({ storageFull: false });
    expect(await titles(engine)).toEqual(['Kept']);
    await engine.until(({ link }) => link === 'connected');
  });

  test('a deleted record is gone everywhere and can be brought back with its secrets', async () => {
    const { engine: first } = await create('undo@example.test');
    const uid = await first.saveRecord(login('Gone soon', 'still here'));
    const second = await signIn('undo@example.test');
    await first.trashRecords([uid]);
    await second.syncNow();
    expect(await titles(second)).toEqual([]);
    expect(await second.listTrash()).toMatchObject([{ uid }]);
    expect(await second.readRecord(uid)).toMatchObject({ trashed: true, revision: 2 });
    await first.restoreRecords([uid]);
    await second.syncNow();
    expect(await titles(second)).toEqual(['Gone soon']);
    expect(await second.revealField({ recordUid: uid, field: { group: 'fields', index: 1 } })).toBe(
      'still here',
    );
  });

  test('lock wipes, unlock brings everything back, offline too; a wrong password opens nothing', async () => {
    const { engine } = await create('lock@example.test');
    await engine.saveRecord(login('Offline'));
    await engine.lock();
    expect(engine.states.at(-1)).toMatchObject({ phase: 'locked', link: 'off', notice: null });
    await expect(engine.listRecords()).rejects.toMatchObject({ name: 'locked' });
    await engine.unlock({ password });
    expect(await titles(engine)).toEqual(['Offline']);
    await engine.lock();

    const cut = { ...webTransport, request: () => Promise.reject(new TypeError('network is down')) };
    const offline = await start({ storage: engine.storage, transport: cut });
    expect(offline.states.at(-1)).toMatchObject({ phase: 'locked', email: 'lock@example.test' });
    await expect(offline.unlock({ password: 'wrong password' })).rejects.toMatchObject({
      name: 'wrong-password',
    });
    await offline.unlock({ password });
    expect(await titles(offline)).toEqual(['Offline']);
    await expect(offline.saveRecord(login('No way'))).rejects.toMatchObject({ name: 'offline' });
  });

  test('a wrong password at sign-in is refused like an unknown account', async () => {
    await create('refuse@example.test');
    const engine = await start();
    const wrong = engine.signIn({ email: 'refuse@example.test', password: 'wrong password' });
    await expect(wrong).rejects.toMatchObject({ name: 'login-refused' });
    const unknown = engine.signIn({ email: 'nobody@example.test', password });
    await expect(unknown).rejects.toMatchObject({ name: 'login-refused' });
  });

  test('the recovery phrase opens the account and sets a new password', async () => {
    const { engine, phrase } = await create('lost@example.test');
    await engine.saveRecord(login('Kept'));
    const other = await start();
    const newPassword = 'a brand new password';
    const spoken = phrase.toUpperCase().replaceAll(' ', '  ');
    await other.recover({ email: 'lost@example.test', phrase: spoken, newPassword });
    expect(await titles(other)).toEqual(['Kept']);
    const again = await start();
    await expect(again.signIn({ email: 'lost@example.test', password })).rejects.toMatchObject({
      name: 'login-refused',
    });
    await again.signIn({ email: 'lost@example.test', password: newPassword });
    const bad = phrase.split(' ').with(0, 'zoo').with(1, 'zoo').join(' ');
    await expect(
      other.recover({ email: 'lost@example.test', phrase: bad, newPassword }),
    ).rejects.toMatchObject({
      name: 'malformed',
    });
  });

  test('a changed password is noticed on other devices, which open with the new one', async () => {
    const { engine: first } = await create('change@example.test');
    await first.saveRecord(login('Mine'));
    const second = await signIn('change@example.test');
    await second.lock();
    const newPassword = 'another fine password';
    await expect(first.changePassword({ password: 'not the old one', newPassword })).rejects.toMatchObject({
      name: 'wrong-password',
    });
    await first.changePassword({ password, newPassword });
    await first.saveRecord(login('Still signed in'));
    await second.unlock({ password });
    const locked = await second.until((state) => state.phase === 'locked' && state.notice !== null);
    expect(locked.notice).toBe('password-changed');
    await second.unlock({ password: newPassword });
    await second.syncNow();
    expect(await titles(second)).toEqual(['Mine', 'Still signed in']);
    await first.lock();
    await expect(first.unlock({ password })).rejects.toMatchObject({ name: 'wrong-password' });
    await first.unlock({ password: newPassword });
  });

  test('sign-out everywhere ends the other device and forgets the local copy', async () => {
    const { engine: first } = await create('out@example.test');
    await first.saveRecord(login('Secret'));
    const second = await signIn('out@example.test');
    await first.signOut({ everywhere: true });
    expect(first.states.at(-1)).toMatchObject({ phase: 'signed-out', email: null });
    expect(await first.storage.readAccount()).toBeNull();
    expect(await first.storage.readRows()).toEqual([]);
    const told = await second.until(({ phase }) => phase === 'locked');
    expect(told.notice).toBe('session-ended');
    await expect(second.syncNow()).rejects.toMatchObject({ name: 'locked' });
    await expect(second.unlock({ password: 'not this one' })).rejects.toMatchObject({
      name: 'wrong-password',
    });
  });

  test('a short password, and a phrase never drafted, create no account', async () => {
    const engine = await start();
    const short = engine.createAccount({ email: 'a@example.test', password });
    await expect(short).rejects.toMatchObject({ name: 'malformed' });
    await engine.draftRecoveryPhrase();
    const weak = engine.createAccount({ email: 'a@example.test', password: 'short' });
    await expect(weak).rejects.toMatchObject({ name: 'weak-parameters' });
  });
});

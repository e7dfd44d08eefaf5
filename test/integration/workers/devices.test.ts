// Devices: approval, revocation, and the end of an account; the real engine against the real server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryStorage } from '../../../workers/storage/memory.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const password = 'correct horse battery staple';
let server: TestServer;
beforeAll(async () => void (server = await startTestServer()));
afterAll(() => server.close());

/** A push takes milliseconds; a busy machine more. Without one, the next answer of a long call is 20 s away. */
const pushMs = 10_000;

let people = 0;
async function newPerson() {
  const email = `device${++people}@example.test`;
  const engine = await startEngine(server.url, { deviceName: 'First' });
  await engine.draftRecoveryPhrase();
  await engine.createAccount({ email, password });
  await engine.until(({ link }) => link === 'connected');
  return { email, engine };
}

/** The requests that wait, once the push has come. */
async function pushed(engine: TestEngine, since: number) {
  await engine.until(({ accountVersion }) => accountVersion > since);
  return await engine.listDeviceRequests();
}

function firstOf<T>([first]: readonly T[]): T {
  if (first === undefined) throw new Error('there is none');
  return first;
}

describe('approval', () => {
  test('a new device gets nothing until a signed-in one says yes, and hears of it at once', async () => {
    const { email, engine } = await newPerson();
    await engine.setDeviceApproval(true);
    const other = await startEngine(server.url, { deviceName: 'Second' });
    const before = engine.states.at(-1)?.accountVersion ?? 0;
    const step = await other.signIn({ email, password });
    if (step.kind !== 'device-pending') throw new Error(step.kind);
    expect(await other.storage.readAccount()).toBeNull();
    const request = firstOf(await pushed(engine, before));
    expect(request).toMatchObject({ name: 'Second', words: step.words, network: '127.0.0.1' });
    expect(step.words).toHaveLength(6);
    const approved = other.awaitApproval();
    const began = performance.now();
    await engine.decideDevice({ uid: request.uid, approve: true });
    expect(await approved).toEqual({ kind: 'done' });
    expect(performance.now() - began).toBeLessThan(pushMs);
    expect(other.states.at(-1)?.phase).toBe('unlocked');
    expect(await engine.listDeviceRequests()).toEqual([]);
    await other.signOut();
    expect(await other.signIn({ email, password })).toEqual({ kind: 'done' }); // it is known now
    await other.close();
    await engine.close();
  });

  test('a refused device is told so, and a cancelled request is not shown any more', async () => {
    const { email, engine } = await newPerson();
    await engine.setDeviceApproval(true);
    const other = await startEngine(server.url);
    await other.signIn({ email, password });
    const refused = other.awaitApproval();
    refused.catch(() => undefined); // it may hear of the refusal before whoever refused
    const request = firstOf(await engine.listDeviceRequests());
    await engine.decideDevice({ uid: request.uid, approve: false });
    await expect(refused).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(engine.decideDevice({ uid: request.uid, approve: true })).rejects.toMatchObject({
      code: 'not-found',
    });
    await other.signIn({ email, password });
    const waiting = other.awaitApproval();
    waiting.catch(() => undefined);
    expect(await engine.listDeviceRequests()).toHaveLength(1);
    await other.cancelSignIn();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    expect(await engine.listDeviceRequests()).toEqual([]);
    await other.close();
    await engine.close();
  });

  test('another account can neither see nor decide', async () => {
    const { email, engine } = await newPerson();
    const stranger = (await newPerson()).engine;
    await engine.setDeviceApproval(true);
    const other = await startEngine(server.url);
    await other.signIn({ email, password });
    const request = firstOf(await engine.listDeviceRequests());
    expect(await stranger.listDeviceRequests()).toEqual([]);
    const decision = { uid: request.uid, approve: true };
    await expect(stranger.decideDevice(decision)).rejects.toMatchObject({ code: 'not-found' });
    await other.close();
    await stranger.close();
    await engine.close();
  });
});

describe('the list', () => {
  test('shows names, networks and which one this is; a given name stays', async () => {
    const { email, engine } = await newPerson();
    const other = await startEngine(server.url, { deviceName: 'Second' });
    await other.signIn({ email, password });
    const { devices } = await engine.listDevices();
    expect(devices.map(({ name, current }) => [name, current])).toEqual(
      expect.arrayContaining([
        ['First', true],
        ['Second', false],
      ]),
    );
    const second = devices.find(({ name }) => name === 'Second');
    await engine.renameDevice({ uid: second?.uid ?? ('' as Uid), name: ' Work laptop ' });
    await other.signOut();
    await other.signIn({ email, password });
    const renamed = (await engine.listDevices()).devices.find(({ uid }) => uid === second?.uid);
    expect(renamed).toMatchObject({ name: 'Work laptop', signedIn: true, network: '127.0.0.1' });
    await other.close();
    await engine.close();
  });

  test('a revoked device is out at once; its key never comes back, the browser comes as a new device', async () => {
    const { email, engine } = await newPerson();
    const storage = new MemoryStorage();
    const other = await startEngine(server.url, { storage, deviceName: 'Second' });
    await other.signIn({ email, password });
    await other.until(({ link }) => link === 'connected');
    const second = (await engine.listDevices()).devices.find(({ current }) => !current);
    const began = performance.now();
    await engine.revokeDevice(second?.uid ?? ('' as Uid));
    await other.until(({ phase }) => phase === 'locked');
    expect(performance.now() - began).toBeLessThan(pushMs);
    await other.unlock({ password });
    await other.until(({ notice }) => notice === 'device-revoked');
    await other.signOut();
    await expect(other.signIn({ email, password })).rejects.toMatchObject({ code: 'device-revoked' });
    expect(await other.signIn({ email, password })).toEqual({ kind: 'done' });
    const devices = (await engine.listDevices()).devices.filter(({ name }) => name === 'Second');
    expect(devices.map(({ uid }) => uid)).not.toContain(second?.uid);
    await other.close();
    await engine.close();
  });
});

describe('deletion', () => {
  test('takes everything of the account with it, here and on other devices', async () => {
    const { email, engine } = await newPerson();
    const keep = (await newPerson()).engine;
    const other = await startEngine(server.url);
    await other.signIn({ email, password });
    await other.until(({ link }) => link === 'connected');
    await expect(engine.deleteAccount({ email: 'other@example.test', password })).rejects.toMatchObject({
      code: 'not-allowed',
    });
    await expect(engine.deleteAccount({ email, password: 'not the password' })).rejects.toMatchObject({
      code: 'wrong-password',
    });
    expect(await engine.deleteAccount({ email, password })).toEqual({ kind: 'done' });
    expect(engine.states.at(-1)).toMatchObject({ phase: 'signed-out', email: null });
    expect(await engine.storage.readAccount()).toBeNull();
    await other.until(({ phase }) => phase === 'locked');
    await expect(engine.signIn({ email, password })).rejects.toMatchObject({ code: 'login-refused' });
    expect((await keep.listDevices()).devices).toHaveLength(1);
    await other.close();
    await keep.close();
    await engine.close();
  });
});

// What a diagnosis says of the way through the server: vault, real server and gateway, and who switches it off.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { enrol } from '../../../gateway/enrolment/enrol.ts';
import { startGateway } from '../../../gateway/gateway.ts';
import { Logger } from '../../../gateway/log/logger.ts';
import { RisingState } from '../../../gateway/rising-state.ts';
import { readSettings } from '../../../gateway/settings.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { tryDetour } from '../../../web/diagnose/detour-test.ts';
import type { DetourOffer } from '../../../workers/api.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestServer } from '../../fixtures/server.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A machine behind a gateway, of which nothing is needed but what its gateway says. */
async function settle({ throughServer = true, gateway = {} as Record<string, string> } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-diagnosed-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const server = await startTestServer({ throughServer });
  closers.push(() => server.close());
  const engine = await startEngine(server.url);
  closers.push(() => engine.close());
  await engine.draftRecoveryPhrase();
  await engine.createAccount({ email: 'ada@example.test', password: 'correct horse battery staple' });
  const { token } = await engine.createGateway({ name: 'Office' });
  const file = join(folder, 'gateway.json');
  const own = { certificateAuthority: null, signal: AbortSignal.timeout(60_000) };
  const config = await enrol({ server: server.url, token, file, ...own });
  const running = startGateway({
    config,
    state: await RisingState.open(null, { roster: config.rosterVersion }),
    settings: readSettings({ SALLYPORT_GATEWAY_BIND: '127.0.0.1', GUACD_PORT: '9', ...gateway }),
    log: new Logger('silent', () => undefined),
  });
  closers.push(() => running.close());
  await running.online;
  return { engine, server, machineUid: await writeMachine(engine) };
}

async function writeMachine(engine: TestEngine): Promise<Uid> {
  const [view] = await engine.listGateways();
  const login = [
    { type: 'login', value: ['ada'] },
    { type: 'password', value: ['unused'] },
  ];
  const launchCredentialUid = await engine.saveRecord({
    content: { type: 'pamUser', title: 'User', fields: login },
  });
  const connection = { launchCredentialUid };
  const fields = [
    { type: 'pamHostname', value: [{ hostName: '127.0.0.1', port: '9' }] },
    { type: 'pamSettings', value: [{ configurationUid: view?.configurationUid, connection }] },
    { type: 'trafficEncryptionSeed', value: [] },
  ];
  return await engine.saveRecord({ content: { type: 'pamMachine', title: 'Machine', fields } });
}

function uidOf(detour: DetourOffer): Uid {
  if (!('detourUid' in detour)) throw new Error(`refused by the ${detour.refusedBy}`);
  return detour.detourUid;
}

const never = new AbortController().signal;

test('it comes about, each time anew, and is there for one opening', async () => {
  const { engine, machineUid } = await settle();
  for (let count = 0; count < 3; count++) {
    const detourUid = uidOf((await engine.diagnoseMachine(machineUid)).detour);
    await tryDetour(engine, detourUid, never);
    await expect(tryDetour(engine, detourUid, never)).rejects.toMatchObject({ code: 'not-found' });
  }
});

test('who cancels waits for it no longer', async () => {
  const { engine, machineUid } = await settle();
  const detourUid = uidOf((await engine.diagnoseMachine(machineUid)).detour);
  const stop = new AbortController();
  const tried = tryDetour(engine, detourUid, stop.signal);
  stop.abort();
  await expect(tried).rejects.toMatchObject({ code: 'cancelled' });
});

test('a server that lets none is named, whatever the gateway lets', async () => {
  const { engine, machineUid } = await settle({ throughServer: false });
  expect((await engine.diagnoseMachine(machineUid)).detour).toEqual({ refusedBy: 'server' });
});

test('a gateway that lets none is named', async () => {
  const { engine, machineUid } = await settle({ gateway: { SALLYPORT_GATEWAY_THROUGH_SERVER: 'false' } });
  expect((await engine.diagnoseMachine(machineUid)).detour).toEqual({ refusedBy: 'gateway' });
});

test('one that breaks on the way is no success', async () => {
  const { engine, server, machineUid } = await settle();
  const detourUid = uidOf((await engine.diagnoseMachine(machineUid)).detour);
  await server.pause();
  await expect(tryDetour(engine, detourUid, never)).rejects.toMatchObject({ code: 'offline' });
});

// Sessions that find no path of their own: vault, real server, gateway, guacd and sshd, and no UDP at all.
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { enrol } from '../../../gateway/enrolment/enrol.ts';
import { startGateway, type RunningGateway } from '../../../gateway/gateway.ts';
import { Logger } from '../../../gateway/log/logger.ts';
import { RisingState } from '../../../gateway/rising-state.ts';
import { readSettings } from '../../../gateway/settings.ts';
import { concat, copy, equal, utf8 } from '../../../protocol/bytes.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { MachineFiles } from '../../../web/session/files/machine-files.ts';
import type { DetourOffer } from '../../../workers/api.ts';
import { FakePage } from '../../fakes/page.ts';
import { FakeTerminal, fileHolds } from '../../fakes/terminal.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { bytesOf, noSignal, uploaded } from '../../fixtures/file-desk.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';
import { startSshTarget, type SshTarget } from '../../fixtures/ssh-target.ts';

const asRoot = process.getuid?.() === 0;
const display = { width: 1024, height: 768, dpi: 96, timezone: 'UTC' };

function detourOf(offer: DetourOffer | null): Uid {
  if (!offer || !('detourUid' in offer)) throw new Error('no detour');
  return offer.detourUid;
}

/** 8 MB, of which no two lines are the same. */
function numberedLines(name: string): Uint8Array<ArrayBuffer> {
  const lines = Array.from({ length: 400_000 }, (_, n) => `${name} ${String(n).padStart(12, '0')}\n`);
  return copy(utf8(lines.join('')));
}

/** Takes what comes a portion at a time: more is on its way whenever one is full. */
class Portions {
  readonly parts: Uint8Array[] = [];
  length = 0;
  readonly #portion: number;
  #allowed: number;
  #changed = Promise.withResolvers<void>();

  constructor(portion: number) {
    this.#portion = this.#allowed = portion;
  }

  readonly take = async (bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    this.parts.push(bytes);
    this.length += bytes.length;
    this.#tell();
    while (this.length >= this.#allowed) await this.#changed.promise;
  };

  async full(): Promise<void> {
    while (this.length < this.#allowed) await this.#changed.promise;
  }

  allow(portions = 1): void {
    this.#allowed += portions * this.#portion;
    this.#tell();
  }

  #tell(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers();
    changed.resolve();
  }
}

describe.runIf(asRoot)('a page without any UDP', () => {
  let folder: string;
  let server: TestServer;
  let engine: TestEngine;
  let guacd: GuacdPool;
  let sshd: SshTarget;
  let gateway: RunningGateway;
  let machineUid: Uid;
  let config: Awaited<ReturnType<typeof enrol>>;
  const log: string[] = [];
  const pages: FakePage[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-detour-'));
    [server, guacd, sshd] = await Promise.all([startTestServer(), startTestGuacdPool(), startSshTarget()]);
    engine = await startEngine(server.url);
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'ada@example.test', password: 'correct horse battery staple' });
    const created = await engine.createGateway({ name: 'Office' });
    config = await enrol({
      server: server.url,
      token: created.token,
      file: join(folder, 'gateway.json'),
      certificateAuthority: null,
      signal: AbortSignal.timeout(60_000),
    });
    await start();
    machineUid = await writeMachine();
  });

  afterEach(() => {
    for (const page of pages.splice(0)) page.close();
  });

  afterAll(async () => {
    await gateway?.close();
    await engine?.close();
    await Promise.all([server?.close(), guacd?.stop(), sshd?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  async function start(settings: Record<string, string> = {}): Promise<void> {
    gateway = startGateway({
      config,
      state: await RisingState.open(null, { roster: config.rosterVersion }),
      settings: readSettings({
        ...{ SALLYPORT_GATEWAY_BIND: '127.0.0.1', GUACD_POOL: guacd.path, ...settings },
      }),
      log: new Logger('debug', (line) => void log.push(line)),
    });
    await gateway.online;
  }

  async function writeMachine(): Promise<Uid> {
    const [view] = await engine.listGateways();
    const login = [
      { type: 'login', value: [sshd.username] },
      { type: 'password', value: [sshd.password] },
    ];
    const launchCredentialUid = await engine.saveRecord({
      content: { type: 'pamUser', title: 'User', fields: login },
    });
    const connection = { launchCredentialUid, hostKey: sshd.hostKeys[0], sftp: { enableSftp: true } };
    const fields = [
      { type: 'pamHostname', value: [{ hostName: sshd.host, port: String(sshd.port) }] },
      { type: 'pamSettings', value: [{ configurationUid: view?.configurationUid, connection }] },
      { type: 'trafficEncryptionSeed', value: [] },
    ];
    return await engine.saveRecord({ content: { type: 'pamMachine', title: 'Machine', fields } });
  }

  /** A page whose peer connection never hears of the gateway's candidates: there is no path. */
  async function order(page: FakePage) {
    pages.push(page);
    const offer = await page.offer();
    return await engine.startSession({ recordUid: machineUid, peerUid: page.peerUid, offer, display });
  }

  async function connect(page = new FakePage({ comesBack: true, reach: () => null })) {
    const started = await order(page);
    page.accept(started.answer ?? '');
    await page.detour(engine, detourOf(started.detour));
    const terminal = new FakeTerminal(page.openStream(started.streamToken));
    await terminal.until(() => terminal.count('sync') > 0);
    return { page, terminal, ...started };
  }

  const resume = (page: FakePage, sessionUid: Uid, offer: string, attempt: number) =>
    engine.resumeSession({ sessionUid, peerUid: page.peerUid, offer, attempt });

  /** It has lost its way, whichever that was, and takes the one through the server. */
  async function goAround(page: FakePage, sessionUid: Uid): Promise<void> {
    page.drop();
    const { detour } = await resume(page, sessionUid, await new FakePage().offer(), ++page.attempts);
    await page.detour(engine, detourOf(detour));
  }

  test('has its session through the server: what is typed has its effect', async () => {
    const { terminal } = await connect();
    terminal.type('echo through the server > detoured\n');
    await fileHolds(sshd, 'detoured', 'through the server\n');
  });

  test('lost its way before it had its session: it goes on where it was', async () => {
    const page = new FakePage({ comesBack: true, reach: () => null });
    const { answer, detour, streamToken, sessionUid } = await order(page);
    page.accept(answer ?? '');
    await page.detour(engine, detourOf(detour));
    log.length = 0;
    page.drop();
    await expect.poll(() => gateway.sessions.find(sessionUid)?.shell, { timeout: 15_000 }).toBeTruthy();
    await goAround(page, sessionUid);
    const terminal = new FakeTerminal(page.openStream(streamToken));
    await terminal.until(() => terminal.count('sync') > 0);
    terminal.type('echo went on > lost-while-opening\n');
    await fileHolds(sshd, 'lost-while-opening', 'went on\n');
    expect(log.join('')).not.toContain('session ended');
  });

  test('goes over to a peer connection and back, and not a byte is lost or doubled', async () => {
    const { page, terminal, sessionUid } = await connect();
    terminal.type('cat > through-changes\n');
    await fileHolds(sshd, 'through-changes', '');
    const lines = Array.from({ length: 40 }, (_, n) => `line ${n}`);
    for (const [n, line] of lines.entries()) {
      terminal.type(`${line}\n`);
      if (n % 10 === 4)
        await page.reopen(async (offer, attempt) => (await resume(page, sessionUid, offer, attempt)).answer);
      if (n % 10 !== 9) continue;
      await goAround(page, sessionUid);
    }
    await fileHolds(sshd, 'through-changes', lines.map((line) => `${line}\n`).join(''));
  });

  test('floods of numbered lines arrive byte for byte, both ways, while it moves six times', async () => {
    const { page, terminal, sessionUid, files: notice } = await connect();
    const streamToken = notice?.token ?? new Uint8Array(0);
    const files = new MachineFiles((ask) => page.streams.openStream({ streamToken, file: { ask } }));
    const [down, up] = [numberedLines('down'), numberedLines('up')];
    const [from, to] = ['numbered-down', 'numbered-up'].map((name) => join(sshd.home, name)) as [
      string,
      string,
    ];
    writeFileSync(from, down, { mode: 0o644 });
    terminal.type('seq 1 100000000\n'); // and the terminal floods beside them
    const portion = new Portions(down.length / 8);
    const all = Promise.all([
      files.download({
        ...{ path: bytesOf(from), offset: 0, opened: () => {}, take: portion.take },
        signal: noSignal(),
      }),
      uploaded(files, { path: to, content: up }),
    ]);
    for (let move = 1; move <= 6; move++) {
      await Promise.race([portion.full(), all]);
      expect(portion.length).toBeLessThan(down.length);
      portion.allow();
      if (move % 2 === 0) await goAround(page, sessionUid);
      else
        await page.reopen(async (offer, attempt) => (await resume(page, sessionUid, offer, attempt)).answer);
    }
    portion.allow(2);
    await all;
    expect(equal(concat(...portion.parts), down)).toBe(true);
    expect(equal(readFileSync(to), up)).toBe(true);
    const drawn = terminal.bytes; // each instruction of which was decoded
    await terminal.until(() => terminal.bytes > drawn + 10_000);
  });

  test('says goodbye by it, and the gateway waits for nobody', async () => {
    const { page } = await connect();
    log.length = 0;
    page.close();
    await expect.poll(() => log.join(''), { timeout: 15_000 }).toContain('session ended');
    expect(log.join('')).not.toContain('page away');
  });

  test('has no detour where the gateway takes none, and the gateway is named', async () => {
    await gateway.close();
    await start({ SALLYPORT_GATEWAY_THROUGH_SERVER: 'false' });
    const { detour } = await order(new FakePage());
    expect(detour).toEqual({ refusedBy: 'gateway' });
    await gateway.close();
    await start();
  });

  test('a detour opens once, and is told when its name is none', async () => {
    const detourUid = detourOf((await order(new FakePage({ reach: () => null }))).detour);
    const page = new FakePage({ reach: () => null });
    pages.push(page);
    await page.detour(engine, detourUid);
    await expect(new FakePage().detour(engine, detourUid)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  test('whoever locks the vault has no detour any more', async () => {
    const { page } = await connect();
    await engine.lock();
    await expect.poll(() => log.join(''), { timeout: 15_000 }).toContain('page away');
    expect(page.streams.roundTripMs === null || page.streams.streams >= 0).toBe(true);
  });
});

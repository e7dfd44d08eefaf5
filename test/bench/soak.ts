// npm run bench -- soak [SECONDS] [SESSIONS]: many SSH sessions on one gateway for long, each with output and with typing. Every
// picture that reaches the page has to be whole (PNG's checksums), every instruction readable, every typed line on the
// machine once and in order; memory and handles of server, gateway and guacds are watched, and have to come back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enrolGateway, startGatewayProcess } from '../../scripts/process/gateway.ts';
import { openLogFile } from '../../scripts/process/log-file.ts';
import { startServerProcess } from '../../scripts/process/server.ts';
import type { Uid } from '../../protocol/uid.ts';
import { FakePage } from '../fakes/page.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { startTestGuacdPool } from '../fixtures/guacd.ts';
import { startSshTarget, type SshTarget } from '../fixtures/ssh-target.ts';
import { handlesOf, MemoryWatch, residentMiB } from './soak/memory-watch.ts';
import { openSoakSession, type SoakSession } from './soak/soak-session.ts';

const seconds = Number(process.argv[2] ?? 600);
const count = Number(process.argv[3] ?? 50);
const sessionsOfAPage = 10;
/** Beyond the growth of a garbage-collected heap that has not settled. */
const mostGrowthMiB = 48;
const handlesBackMs = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'sallyport-soak-'));
const [target, pool] = await Promise.all([
  startSshTarget({ settings: [`MaxStartups ${count * 2}`] }),
  startTestGuacdPool(),
]);
const server = await startServerProcess({
  settings: { SALLYPORT_DATA: join(folder, 'data'), SALLYPORT_HOST: '127.0.0.1', SALLYPORT_PORT: '0' },
  log: openLogFile(join(folder, 'server.log')),
});
const engine = await startEngine(server.url);
const gateway = await startGateway();
const pages: FakePage[] = [];
const faults: string[] = [];
let leaving = false;
try {
  const machineUid = await writeMachine(engine, target);
  const begun = { gateway: handlesOf(gateway.pid), server: handlesOf(server.pid) };
  console.log(`handles before: gateway ${begun.gateway}, server ${begun.server}`);
  const sessions = await openAll(machineUid);
  console.log(`${sessions.length} sessions are open; ${seconds} s of output and typing begin`);
  const watch = new MemoryWatch({
    server: () => residentMiB(server.pid),
    gateway: () => residentMiB(gateway.pid),
    guacds: () => pool.pids().reduce((sum, pid) => sum + residentMiB(pid, true), 0),
  });
  await soak(sessions, watch);
  for (const session of sessions) faults.push(...(await session.finish(target)));
  printTotals(sessions);
  for (const { name, text, growth } of watch.results()) {
    console.log(text);
    if (growth > mostGrowthMiB) faults.push(`${name} grew by ${growth.toFixed(0)} MiB`);
  }
  leaving = true;
  for (const page of pages) page.close();
  await comeBack('gateway', gateway.pid, begun.gateway);
  await comeBack('server', server.pid, begun.server);
} finally {
  for (const page of pages) page.close();
  await engine.close();
  await gateway.stop();
  await Promise.all([server.stop(), pool.stop(), target.stop()]);
  rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults.slice(0, 20)) console.log(`FAULT ${fault}`);
console.log(faults.length === 0 ? 'nothing was dropped, doubled or kept' : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

async function startGateway() {
  await engine.draftRecoveryPhrase();
  await engine.createAccount({
    email: 'ada@example.test',
    password: 'correct horse battery staple',
    ...(server.setupToken !== null && { setupToken: server.setupToken }),
  });
  const { token } = await engine.createGateway({ name: 'Office' });
  const config = join(folder, 'gateway.json');
  const log = openLogFile(join(folder, 'gateway.log'));
  await enrolGateway({ config, log, server: server.url, token });
  const settings = { SALLYPORT_GATEWAY_BIND: '127.0.0.1' };
  const child = await startGatewayProcess({ config, log, guacd: { pool: pool.path }, settings });
  const online = async () => (await engine.listGateways()).some(({ status }) => status === 'online');
  while (!(await online())) await new Promise((resolve) => setTimeout(resolve, 200));
  return child;
}

async function writeMachine(vault: TestEngine, sshd: SshTarget): Promise<Uid> {
  const [view] = await vault.listGateways();
  const login = { type: 'login', value: [sshd.username] };
  const password = { type: 'password', value: [sshd.password] };
  const user = { type: 'pamUser', title: 'User', fields: [login, password] };
  const launchCredentialUid = await vault.saveRecord({ content: user });
  const connection = { launchCredentialUid, hostKey: sshd.hostKeys[0] };
  const fields = [
    { type: 'pamHostname', value: [{ hostName: sshd.host, port: String(sshd.port) }] },
    { type: 'pamSettings', value: [{ configurationUid: view?.configurationUid, connection }] },
    { type: 'trafficEncryptionSeed', value: [] },
  ];
  return await vault.saveRecord({ content: { type: 'pamMachine', title: 'Machine', fields } });
}

async function openAll(machineUid: Uid): Promise<SoakSession[]> {
  const sessions: SoakSession[] = [];
  for (let at = 0; at < count; at++) {
    if (at % sessionsOfAPage === 0) pages.push(newPage());
    const page = pages.at(-1);
    if (page) sessions.push(await openSoakSession({ engine, machineUid, page, target, number: at }));
  }
  return sessions;
}

/** It does not come back by itself: a page that waits longer than its heartbeats for a processor is a fault of this run. */
function newPage(): FakePage {
  const page = new FakePage();
  void page.lost.then((code) => {
    if (!leaving) faults.push(`a page lost its gateway (${code}): was this machine too busy?`);
  });
  return page;
}

/** Types a line into each session every second, and looks at the memory every five. */
async function soak(sessions: readonly SoakSession[], watch: MemoryWatch): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  for (let round = 0; performance.now() < end; round++) {
    const next = performance.now() + 1_000;
    for (const session of sessions) session.typeLine();
    if (round % 5 === 0) watch.look();
    if (round % 60 === 0) console.log(`  ${round} s: ${watch.now()}`);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
  }
}

function printTotals(sessions: readonly SoakSession[]): void {
  const sum = (of: (session: SoakSession) => number) =>
    sessions.reduce((total, session) => total + of(session), 0);
  const [megabytes, pictures] = [sum(({ bytes }) => bytes) / 1e6, sum(({ pictures: whole }) => whole)];
  console.log(
    `to the page: ${megabytes.toFixed(1)} MB, ${sum(({ instructions }) => instructions)} instructions, `,
  );
  console.log(`  ${pictures} pictures with right checksums; typed: ${sum(({ typed }) => typed)} lines`);
}

/** Sockets and files are closed once nobody needs them. */
async function comeBack(name: string, pid: number, before: number): Promise<void> {
  const end = performance.now() + handlesBackMs;
  while (handlesOf(pid) > before + 4 && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 250));
  console.log(`handles after: ${name} ${handlesOf(pid)}`);
  if (handlesOf(pid) > before + 4) faults.push(`${name} keeps ${handlesOf(pid)} handles of ${before} before`);
}

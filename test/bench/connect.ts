// npm run bench -- connect [ROUNDS]: from the click on Connect to the first drawn frame and its split by leg, in real
// Chromium on real parts; a bare SSH client on the same target is the limit it is held against, in the same run.
import { readFileSync } from 'node:fs';
import { chromium, type Page } from 'playwright';
import { chromiumLaunch } from '../chromium.ts';
import { Installation } from '../e2e/installation.ts';
import { machines, moveIn } from '../e2e/move-in.ts';
import { connect, disconnect, openRecord, run, unlock } from '../e2e/person.ts';
import { median, row } from './figures.ts';
import { measureKeyEcho, readConnectFigures, type ConnectFigures } from './page-figures.ts';
import { measureEcho, measureLogin } from './ssh-limit.ts';

const rounds = Number(process.argv[2] ?? 15);
const keys = 60;
const legs = ['router', 'gateway', 'ice', 'guacd', 'target', 'login'];

const installation = await Installation.start();
const browser = await chromium.launch(chromiumLaunch);
try {
  const { page } = await moveIn(browser, installation);
  printMemory('idle');
  await connect(page, machines.password); // pins the host key and warms every part
  await disconnect(page);
  const kept = await repeat(rounds, () => measureConnect(page));
  const fresh = await repeat(rounds, () => measureAfterReload(page));
  printConnects('click to first frame, peer connection kept', kept);
  printConnects('click to first frame, new peer connection', fresh);
  const logins = await repeat(rounds, () => measureLogin(installation.target));
  console.log(row('limit: bare ssh, connect to prompt', logins));
  console.log(
    `ratio to the limit: ${ratio(
      kept.map(({ total }) => total),
      logins,
    )} kept, ${ratio(
      fresh.map(({ total }) => total),
      logins,
    )} new`,
  );
  await printEcho(page);
  for (let count = 1; count < 10; count++) await connect(page, machines.password);
  printMemory('with 10 sessions');
} finally {
  await browser.close();
  await installation.stop();
}

async function measureConnect(page: Page): Promise<ConnectFigures> {
  await openRecord(page, machines.password);
  await page.evaluate(() => performance.clearMarks());
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  const figures = await readConnectFigures(page);
  await disconnect(page);
  return figures;
}

async function measureAfterReload(page: Page): Promise<ConnectFigures> {
  await page.reload();
  await unlock(page);
  return await measureConnect(page);
}

async function printEcho(page: Page): Promise<void> {
  await connect(page, machines.password);
  await run(page, 'clear; cat > /dev/null');
  const echo = await measureKeyEcho(page, keys);
  const limit = await measureEcho(installation.target, keys);
  console.log(row('key to changed picture', echo));
  console.log(row('limit: key to echo, bare ssh', limit));
}

function printConnects(title: string, figures: readonly ConnectFigures[]): void {
  console.log(
    row(
      title,
      figures.map(({ total }) => total),
    ),
  );
  for (const leg of legs) {
    const times = figures.flatMap((figure) => figure.legs.get(leg) ?? []);
    if (times.length > 0) console.log(row(`  ${leg} done after`, times));
  }
}

function printMemory(when: string): void {
  const resident = (pid = 0) => {
    const kib = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    return `${(kib / 1024).toFixed(0)} MB`;
  };
  console.log(
    `memory ${when}: server ${resident(installation.server.pid)}, gateway ${resident(installation.gateway?.pid)}`,
  );
}

function ratio(values: readonly number[], limit: readonly number[]): string {
  return (median(values) / median(limit)).toFixed(2);
}

async function repeat<T>(count: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < count; i++) results.push(await work());
  return results;
}

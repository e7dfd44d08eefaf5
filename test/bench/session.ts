// npm run bench -- session [ROUNDS]: a session over SSH against guacamole-lite, with guacds of the same build, the same target
// and the same Chromium in the same run, rounds in turn: click to first frame, key to changed picture idle and while another
// session of the same page floods, how fast a flood is taken in, and what a session costs.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { chromium, type Page } from 'playwright';
import { chromiumLaunch } from '../chromium.ts';
import { Installation } from '../e2e/installation.ts';
import { machines, moveIn } from '../e2e/move-in.ts';
import { connect, disconnect, openRecord } from '../e2e/person.ts';
import { median, percentile, row } from './figures.ts';
import { measureKeyEcho, readConnectFigures } from './page-figures.ts';
import { servePage } from './page-server.ts';
import { sharePriority } from './priority.ts';
import { Peer } from './session/peer.ts';
import { memoryMebibytes, processorSeconds } from './session/process-cost.ts';

const rounds = Number(process.argv[2] ?? 3);
const keysARound = 30;
const clicks = 5;
const floodLines = 1_000_000;
const floodWithinMs = 60_000;
const goals = { firstFrameMs: 700, idle: 1.1, flooded: 0.5, throughput: 1 };

/** One of the two: how a session is opened, and what carries it. */
interface Side {
  readonly name: string;
  readonly page: Page;
  readonly pids: () => readonly number[];
  /** Opens a session beside those that are open; milliseconds to its first frame. */
  readonly open: () => Promise<number>;
}

const installation = await Installation.start();
const peer = await Peer.start();
const site = await servePage(join(import.meta.dirname, 'session/peer-page.ts'));
const browser = await chromium.launch(chromiumLaunch);
try {
  const { page } = await moveIn(browser, installation);
  await connect(page, machines.password); // pins the host key and warms every part
  const size = await terminalSize(page);
  await disconnect(page);
  const ours = ourSide(page);
  const theirs = await peerSide(size);
  console.log(`terminals of ${size.width} × ${size.height}; first ours, then guacamole-lite's`);
  sharePriority();
  await compareFirstFrames(ours, theirs);
  await compareEchoes('key to changed picture, idle', goals.idle, ours, theirs);
  await compareFloods(ours, theirs);
  await floodBesides(ours);
  await floodBesides(theirs);
  await compareEchoes('key to changed picture, another session floods', goals.flooded, ours, theirs);
} finally {
  await browser.close();
  site.close();
  await peer.stop();
  await installation.stop();
}

function ourSide(page: Page): Side {
  const open = async () => {
    await openRecord(page, machines.password);
    await page.evaluate(() => performance.clearMarks());
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    return (await readConnectFigures(page)).total;
  };
  const pids = () => [installation.gateway?.pid ?? 0, ...installation.guacd.pids()];
  return { name: 'ours', page, pids, open };
}

async function peerSide(size: { readonly width: number; readonly height: number }): Promise<Side> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 720 } })).newPage();
  await page.goto(site.url);
  const open = () =>
    page.evaluate((access) => window.peer.connect(access), peer.access(installation.target, size));
  await open();
  return { name: 'guacamole-lite', page, pids: () => [peer.pid, peer.guacd.pid], open };
}

async function terminalSize(page: Page): Promise<{ width: number; height: number }> {
  return await page.evaluate(() => {
    const all = [...document.querySelectorAll<HTMLCanvasElement>('[role="application"] canvas')];
    const [largest] = all.sort((a, b) => b.width * b.height - a.width * a.height);
    return { width: largest?.width ?? 1024, height: largest?.height ?? 640 };
  });
}

async function compareFirstFrames(ours: Side, theirs: Side): Promise<void> {
  const times = new Map<Side, number[]>([
    [ours, []],
    [theirs, []],
  ]);
  const before = new Map([ours, theirs].map((side) => [side, memoryOf(side)]));
  for (let click = 0; click < clicks; click++) for (const [side, list] of times) list.push(await side.open());
  const [mine = [], other = []] = [...times.values()];
  print(
    'click to first frame',
    mine,
    other,
    median(mine) <= goals.firstFrameMs,
    `≤ ${goals.firstFrameMs} ms`,
  );
  for (const side of [ours, theirs]) {
    const grown = (memoryOf(side) - (before.get(side) ?? 0)) / clicks;
    console.log(`  memory a session, ${side.name} with its guacd: ${grown.toFixed(1)} MiB`);
  }
}

async function compareEchoes(title: string, goal: number, ours: Side, theirs: Side): Promise<void> {
  const all: [number[], number[]] = [[], []];
  for (const side of [ours, theirs]) await side.open();
  for (const side of [ours, theirs]) await type(side, 'clear; cat > /dev/null');
  await wait(500); // the prompt is drawn: a picture that changes by itself is no echo
  for (let round = 0; round < rounds; round++)
    for (const [at, side] of [ours, theirs].entries()) {
      await side.page.bringToFront();
      all[at as 0 | 1].push(...(await measureKeyEcho(side.page, keysARound)));
    }
  const ratio = median(all[0]) / median(all[1]);
  print(title, all[0], all[1], ratio <= goal, `ratio of p50 ≤ ${goal}`);
}

/** A flood of known length, from the command to its end as the target sees it, which waits for whoever shows it. */
async function compareFloods(ours: Side, theirs: Side): Promise<void> {
  const times: [number[], number[]] = [[], []];
  const costs: [number[], number[]] = [[], []];
  for (const side of [ours, theirs]) await side.open();
  for (let round = 0; round < rounds; round++)
    for (const [at, side] of [ours, theirs].entries()) {
      await side.page.bringToFront();
      const since = costOf(side);
      times[at as 0 | 1].push(await timeFlood(side, `${at}-${round}`));
      costs[at as 0 | 1].push((costOf(side) - since) * 1000);
    }
  const ratio = median(times[1]) / median(times[0]);
  print(
    `${floodLines} lines through the terminal`,
    times[0],
    times[1],
    ratio >= goals.throughput,
    `rate ≥ ${goals.throughput}`,
  );
  print('  processor time for it', costs[0], costs[1], null, '');
}

async function timeFlood(side: Side, name: string): Promise<number> {
  const since = performance.now();
  await type(side, `seq 1 ${floodLines}; echo done > bench-${name}`);
  while (installation.target.homeFile(`bench-${name}`) === null) {
    if (performance.now() - since > floodWithinMs) throw new Error('the flood does not end');
    await wait(5);
  }
  return performance.now() - since;
}

async function floodBesides(side: Side): Promise<void> {
  await side.open();
  await type(side, 'yes "the quick brown fox jumps over the lazy dog"');
}

async function type({ page }: Side, command: string): Promise<void> {
  await page.getByRole('application').last().click({ force: true });
  await page.keyboard.type(command);
  await page.keyboard.press('Enter');
}

function memoryOf(side: Side): number {
  return side.pids().reduce((sum, pid) => sum + memoryMebibytes(pid), 0);
}

function costOf(side: Side): number {
  return side.pids().reduce((sum, pid) => sum + processorSeconds(pid), 0);
}

function print(title: string, ours: number[], theirs: number[], met: boolean | null, goal: string): void {
  console.log(row(title, ours));
  console.log(row('  guacamole-lite', theirs));
  const of = (share: number) => (percentile(ours, share) / percentile(theirs, share)).toFixed(2);
  const verdict = met === null ? '' : `   ${goal}: ${met ? 'met' : 'MISSED'}`;
  console.log(`  ratio p50 ${of(0.5)}, p99 ${of(0.99)}${verdict}`);
}

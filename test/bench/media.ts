// npm run bench -- media [quick | RTT/MBIT …]: the media path between real Chromium and the gateway's own peer through a
// path of our own with delay, rate and a queue: key to echo under a flood, and the flood's rate against TCP's on the same
// path in the same run, both ways. `RTT/MBIT`: only such paths, as 40/100; 0 for MBIT is without a limit.
import { join } from 'node:path';
import { chromium, type Page } from 'playwright';
import { prepareLibrary, endLibrary } from '../../gateway/media/library.ts';
import { chromiumLaunch } from '../chromium.ts';
import { GatewayEnd } from './media/gateway-end.ts';
import type { PathShape } from './media/line.ts';
import type { FloodFigures, FloodOptions } from './media/page.ts';
import { lostPackets } from './media/lost-packets.ts';
import type { PathToll } from './media/path-process.ts';
import { Paths } from './media/paths.ts';
import { heading, lineOf, summary, type Measured } from './media/table.ts';
import { measureTcp } from './media/tcp-limit.ts';
import { servePage } from './page-server.ts';
import { sharePriority } from './priority.ts';

const roundTrips = [0, 10, 40, 100];
const megabits = [20, 100, 0];
/** One of each kind: nothing in the way, a near one, a far one, a far and narrow one. */
const quick = ['0/0', '10/100', '40/100', '100/20'];
/** What a router's queue holds, as time: between what a good one and a bloated one have. */
const queueMs = 50;
const flood = { floodMs: 6_000, riseMs: 1_000, keyEveryMs: 30 };
const idleMs = 1_500;

const args = process.argv.slice(2);
const all = roundTrips.flatMap((roundTrip) => megabits.map((rate) => `${roundTrip}/${rate}`));
const chosen = args[0] === 'quick' ? quick : args.length > 0 ? args : all;

prepareLibrary();
const paths = new Paths();
const site = await servePage(join(import.meta.dirname, 'media/page.ts'));
const browser = await chromium.launch(chromiumLaunch);
const measured: Measured[] = [];
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(error));
  await page.goto(site.url);
  console.log(heading(queueMs));
  for (const name of chosen) await measurePath(page, shapeOf(name));
  console.log(summary(measured));
} finally {
  await browser.close();
  site.close();
  paths.end();
  endLibrary();
}

function shapeOf(name: string): PathShape {
  const [roundTripMs = Number.NaN, mbit = Number.NaN] = name.split('/').map(Number);
  if (!(roundTripMs >= 0 && mbit >= 0)) throw new Error(`"${name}" is no path: write it as 40/100`);
  const rate = mbit === 0 ? null : (mbit * 1e6) / 8 / 1000;
  return { roundTripMs, rate, queue: (rate ?? 0) * queueMs };
}

async function measurePath(page: Page, shape: PathShape): Promise<void> {
  sharePriority();
  const tcp = await measureTcp(paths, shape, { floodMs: 3_000, riseMs: 1_000 });
  for (const direction of ['up', 'down'] as const) {
    const figures = await measureDirection(page, shape, direction);
    const one = { shape, direction, tcp, ...figures };
    measured.push(one);
    console.log(lineOf(one));
  }
}

/** On a connection of its own: what the last flood left behind is not to count. */
async function measureDirection(page: Page, shape: PathShape, direction: FloodOptions['direction']) {
  const gateway = await GatewayEnd.answer(await page.evaluate(() => window.media.offer()));
  try {
    const port = await paths.open('udp', gateway.port, shape);
    await page.evaluate((answer) => window.media.accept(answer), gateway.answerBy(port));
    sharePriority();
    const idle = await page.evaluate(([ms, every]) => window.media.idle(ms, every), [
      idleMs,
      flood.keyEveryMs,
    ] as const);
    const lostBefore = lostPackets();
    const since = performance.now();
    const asked: FloodOptions = { direction, ...flood };
    const { echoes, rate }: FloodFigures = await page.evaluate((how) => window.media.flood(how), asked);
    const here = gateway.rate(since + flood.riseMs, since + flood.floodMs);
    const lost = lostPackets() - lostBefore;
    return { idle, echoes, rate: direction === 'up' ? here : rate, lost, toll: await finish(page) };
  } finally {
    gateway.close();
  }
}

async function finish(page: Page): Promise<PathToll> {
  await page.evaluate(() => window.media.close());
  return await paths.close();
}

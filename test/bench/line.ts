// npm run bench -- line [MEGABITS [QUEUE_MS]]: a person's line that is slow, with the queue of a usual router before it. Browser,
// server and gateway are in networks of their own; a session floods, and another one is typed in: key to changed picture,
// ours and guacamole-lite's over the same line in the same run, one after the other. Needs root.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { chromium, type Page } from 'playwright';
import { connect, openRecord } from '../e2e/person.ts';
import { moveInApart, ThreeNetworks } from '../e2e/three-networks.ts';
import { percentile, row } from './figures.ts';
import { PeerApart } from './line/peer-apart.ts';
import { measureKeyEcho } from './page-figures.ts';
import { bundle } from './page-server.ts';
import { sharePriority } from './priority.ts';

const [megabits = 8, queueMs = 200] = process.argv.slice(2).map(Number);
const keys = 60;
const machine = 'Build server';
/** Text that no two screens have in common, so that each is a new picture. */
const flood = 'base64 -w 90 /dev/urandom';
const goals = { idle: 1.1, flooded: 0.5 };

/** One of the two, on a page that no other session shares. */
interface Side {
  readonly name: string;
  readonly page: Page;
  readonly open: () => Promise<void>;
}

const three = await ThreeNetworks.start(chromium);
try {
  const peer = await PeerApart.start(three.networks);
  try {
    const page = await (await newContext()).newPage();
    sharePriority();
    await moveInApart(page, three, machine);
    await compare(oursOn(page), await theirsBy(peer));
  } finally {
    await peer.stop();
  }
} finally {
  await three.stop();
}

function newContext() {
  return three.browser.newContext({ viewport: { width: 1280, height: 720 } });
}

function oursOn(page: Page): Side {
  const open = async (): Promise<void> => {
    if ((await page.getByRole('application').count()) === 0) return await connect(page, machine);
    await openRecord(page, machine);
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.waitForFunction(() => performance.getEntriesByName('sallyport:first-frame').length > 0);
  };
  return { name: 'ours', page, open };
}

async function theirsBy(peer: PeerApart): Promise<Side> {
  const page = await (await newContext()).newPage();
  await page.addScriptTag({ content: await bundle(join(import.meta.dirname, 'session/peer-page.ts')) });
  const size = { width: 1040, height: 630 };
  const { host, port, username, password } = three.target;
  const open = async (): Promise<void> => {
    const access = await peer.access({ target: { host, port, username, password }, size });
    await page.evaluate((to) => window.peer.connect(to), access);
  };
  return { name: 'guacamole-lite', page, open };
}

async function compare(ours: Side, theirs: Side): Promise<void> {
  console.log(`the person's line: ${megabits} Mbit/s each way, a queue of ${queueMs} ms`);
  for (const side of [ours, theirs]) await side.open();
  sharePriority();
  await three.networks.shape('user', { megabits, queueMs });
  report('key to changed picture, idle', await echo(ours), await echo(theirs), goals.idle);
  const floods = 'key to changed picture, another session floods';
  report(floods, await echoBesideFlood(ours), await echoBesideFlood(theirs), goals.flooded);
}

/** The flood has the line to itself, but for the keys: the other side's page is left, and its session with it. */
async function echoBesideFlood(side: Side): Promise<number[]> {
  await type(side, flood);
  await side.open();
  const times = await echo(side);
  await side.page.context().close();
  return times;
}

async function echo(side: Side): Promise<number[]> {
  await side.page.bringToFront();
  await type(side, 'clear; cat > /dev/null');
  await wait(1_000); // the prompt is drawn: a picture that changes by itself is no echo
  const times = await measureKeyEcho(side.page, keys);
  await side.page.keyboard.press('Control+c');
  return times;
}

async function type({ page }: Side, command: string): Promise<void> {
  await page.getByRole('application').last().click({ force: true });
  await page.keyboard.type(command);
  await page.keyboard.press('Enter');
}

function report(title: string, ours: number[], theirs: number[], goal?: number): void {
  console.log(row(title, ours));
  console.log(row('  guacamole-lite', theirs));
  const of = (share: number) => percentile(ours, share) / percentile(theirs, share);
  const verdict =
    goal === undefined ? '' : `   ratio of p50 ≤ ${goal}: ${of(0.5) <= goal ? 'met' : 'MISSED'}`;
  console.log(`  ratio p50 ${of(0.5).toFixed(2)}, p99 ${of(0.99).toFixed(2)}${verdict}`);
}

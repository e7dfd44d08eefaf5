// Click to first frame, by leg, and what the sessions hold that were opened for it.
import { median, row } from '../figures.ts';
import type { ConnectFigures } from '../page-figures.ts';
import { compare } from './comparison.ts';
import { memoryOf, reloadVault, type Side } from './sides.ts';

const clicks = 5;
const goalMs = 700;
/** In the order in which they come; what each stands for. */
const legs = {
  router: 'request with the server',
  gateway: 'request opened by the gateway',
  ice: 'peer connection',
  target: 'way to the machine',
  login: 'host key and login',
  guacd: 'handshake with guacd',
};

export async function compareFirstFrames(ours: Side, theirs: Side): Promise<void> {
  const before = new Map([ours, theirs].map((side) => [side, memoryOf(side)]));
  const [mine, other]: [ConnectFigures[], ConnectFigures[]] = [[], []];
  for (let click = 0; click < clicks; click++) {
    mine.push(await ours.open());
    other.push(await theirs.open());
  }
  const pair = [totals(mine), totals(other)] as const;
  const met = median(pair[0]) <= goalMs;
  compare('click to first frame, peer connection kept', pair, { text: `≤ ${goalMs} ms`, met });
  printLegs(mine);
  for (const side of [ours, theirs]) printMemory(side, before.get(side) ?? memoryOf(side));
  const fresh: ConnectFigures[] = [];
  for (let click = 0; click < clicks; click++) {
    await reloadVault(ours.page);
    fresh.push(await ours.open());
  }
  console.log(row('click to first frame, new peer connection', totals(fresh)));
  printLegs(fresh);
}

function totals(figures: readonly ConnectFigures[]): number[] {
  return figures.map(({ total }) => total);
}

function printLegs(figures: readonly ConnectFigures[]): void {
  for (const [leg, title] of Object.entries(legs)) {
    const times = figures.flatMap((figure) => figure.legs.get(leg) ?? []);
    if (times.length > 0) console.log(row(`  ${title}, done after`, times));
  }
  const rest = figures.map(({ total, legs: done }) => total - Math.max(0, ...done.values()));
  console.log(row('  first picture, after the last of them', rest));
}

function printMemory(side: Side, before: ReturnType<typeof memoryOf>): void {
  const now = memoryOf(side);
  const [gateway, guacd] = [now.gateway - before.gateway, now.guacd - before.guacd].map((grown) =>
    (grown / clicks).toFixed(1),
  );
  console.log(`  memory a session, ${side.name}: ${gateway} MiB, and ${guacd} MiB of guacd`);
}

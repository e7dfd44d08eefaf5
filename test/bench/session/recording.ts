// What recording costs the gateway and its guacds: the same work with it and without, to the end of its session and until the
// server has all that was recorded.
import { disconnect } from '../../e2e/person.ts';
import type { Installation } from '../../e2e/installation.ts';
import { median, row } from '../figures.ts';
import { animate, startAnimatedDesktop } from './animation.ts';
import { verdict } from './comparison.ts';
import { flood } from './flood.ts';
import { watchFrames } from './frame-watch.ts';
import { RecordedBytes } from './recorded-bytes.ts';
import { addMachine, gatewayProcessorOf, openMachine, processorOf, type Side } from './sides.ts';

const mostMore = 1.05;
const animationMs = 5_000;
const variants = ['not recorded', 'recorded'] as const;
type Variant = (typeof variants)[number];
type Each<T> = Readonly<Record<Variant, T>>;
const switches: Each<readonly string[]> = {
  'not recorded': [],
  recorded: ['Record the picture', 'Record the text of terminals'],
};

/** Milliseconds of a processor for a unit of the work. */
interface Cost {
  readonly gateway: number;
  readonly guacd: number;
}

/** What a session does; how often its unit was done, and what guacd took for that. */
type Work = () => Promise<{ readonly units: number; readonly guacdMs: number }>;

export async function compareCosts(ours: Side, installation: Installation, rounds: number): Promise<void> {
  await compareTerminals(ours, installation, rounds);
  await compareDesktops(ours, installation, rounds);
}

/** A flood of known length. */
async function compareTerminals(ours: Side, installation: Installation, rounds: number): Promise<void> {
  const titles: Each<string> = { 'not recorded': 'Terminal, not recorded', recorded: 'Terminal, recorded' };
  for (const variant of variants)
    await addMachine(ours.page, installation, titles[variant], switches[variant]);
  const guacd = guacdOf(ours);
  const work = async () => {
    const used = guacd();
    await flood(ours, installation.target);
    return { units: 1, guacdMs: guacd() - used };
  };
  const costs = await inTurn(rounds, (variant) => costOf(ours, installation, titles[variant], work));
  printOverhead('a flood, processor time', costs);
}

/** The animation for a fixed time; the unit is a frame that the page shows. */
async function compareDesktops(ours: Side, installation: Installation, rounds: number): Promise<void> {
  const titles: Each<string> = { 'not recorded': 'Desktop, not recorded', recorded: 'Desktop, recorded' };
  const off = await startAnimatedDesktop(ours.page, titles['not recorded']);
  const on = await startAnimatedDesktop(ours.page, titles.recorded, ['Record the picture']);
  const guacd = guacdOf(ours);
  const work = async () => {
    const used = guacd();
    await animate(ours, animationMs);
    const { frames } = await watchFrames(ours.page, animationMs);
    return { units: Math.max(1, frames), guacdMs: guacd() - used };
  };
  try {
    const costs = await inTurn(rounds, (variant) => costOf(ours, installation, titles[variant], work));
    printOverhead('an animation, processor time a frame', costs);
  } finally {
    await off.stop();
    await on.stop();
  }
}

/**
 * Each variant once that is not counted, as who comes first pays for what the next finds warm; then so many rounds, each of
 * which begins with another one.
 */
async function inTurn(rounds: number, measure: (variant: Variant) => Promise<Cost>): Promise<Each<Cost[]>> {
  const costs: Each<Cost[]> = { 'not recorded': [], recorded: [] };
  for (const variant of variants) await measure(variant);
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < variants.length; turn++) {
      const variant = variants[(round + turn) % variants.length] ?? 'recorded';
      costs[variant].push(await measure(variant));
    }
  return costs;
}

/** A session from its opening until all that was recorded of it is stored. */
async function costOf(ours: Side, installation: Installation, title: string, work: Work): Promise<Cost> {
  const recorded = new RecordedBytes(installation);
  const used = gatewayProcessorOf(ours);
  await openMachine(ours.page, title);
  const { units, guacdMs } = await work();
  await disconnect(ours.page);
  await recorded.untilStored();
  return { gateway: (gatewayProcessorOf(ours) - used) / units, guacd: guacdMs / units };
}

function guacdOf(side: Side): () => number {
  return () => processorOf(side) - gatewayProcessorOf(side);
}

/**
 * Nobody tells guacd whether its session is recorded, and what it takes for the same work is up to three times as much one time as
 * another, by how many frames it makes of it: more than what is looked for. So what it takes is the median of all rounds; what
 * differs by recording is what the gateway takes. Of each variant it is printed beside: of a flood that is not recorded it is more
 * in nearly every run, so that the two floods are not quite the same work (docs/decisions/0045).
 */
function printOverhead(title: string, costs: Each<readonly Cost[]>): void {
  const guacd = median(variants.flatMap((variant) => costs[variant].map((cost) => cost.guacd)));
  const gateway = (variant: Variant) => median(costs[variant].map((cost) => cost.gateway));
  for (const variant of variants) {
    const of = costs[variant];
    console.log(
      row(
        `${title}, ${variant}: gateway`,
        of.map((cost) => cost.gateway),
      ),
    );
    console.log(
      row(
        '  guacd',
        of.map((cost) => cost.guacd),
      ),
    );
  }
  const ratio = (guacd + gateway('recorded')) / (guacd + gateway('not recorded'));
  const more = ((ratio - 1) * 100).toFixed(1);
  console.log(`  ${more} % more   ${verdict({ text: '≤ 5 %', met: ratio <= mostMore })}`);
}

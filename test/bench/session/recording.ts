// What recording costs the gateway and its guacds: the same work with it and without, to the end of its session and until the
// server has all that was recorded.
import type { Page } from 'playwright';
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
const switches = {
  'Not recorded': [],
  'Recorded picture': ['Record the picture'],
  'Recorded text': ['Record the text of terminals'],
  'Recorded picture and text': ['Record the picture', 'Record the text of terminals'],
};
const base = 'Not recorded';

export async function compareCosts(ours: Side, installation: Installation, rounds: number): Promise<void> {
  for (const [title, on] of Object.entries(switches)) await addMachine(ours.page, installation, title, on);
  await compareTerminals(ours, installation, rounds);
  await compareDesktops(ours, installation, rounds);
}

/** A flood of known length, to the end of its session and until the server has all that was recorded of it. */
async function compareTerminals(ours: Side, installation: Installation, rounds: number): Promise<void> {
  const recorded = new RecordedBytes(installation);
  const costs: Record<string, number[]> = Object.fromEntries(
    Object.keys(switches).map((title) => [title, []]),
  );
  for (let round = 0; round < rounds; round++)
    for (const [title, list] of Object.entries(costs)) {
      await openMachine(ours.page, title);
      const { processorMs } = await flood(ours, installation.target);
      const used = gatewayProcessorOf(ours);
      await disconnect(ours.page);
      await recorded.untilStored();
      list.push(processorMs + gatewayProcessorOf(ours) - used);
    }
  printOverhead('a flood, not recorded: processor time', costs);
}

/** Prints all, and of each beside the base how much more it is. */
function printOverhead(title: string, costs: Readonly<Record<string, readonly number[]>>): void {
  const without = costs[base] ?? [];
  console.log(row(title, without));
  for (const [name, list] of Object.entries(costs)) {
    if (name === base) continue;
    const ratio = median(list) / median(without);
    const more = ((ratio - 1) * 100).toFixed(1);
    console.log(row(`  ${name.toLowerCase()}`, list));
    console.log(`  ${more} % more   ${verdict({ text: '≤ 5 %', met: ratio <= mostMore })}`);
  }
}

/** The animation for a fixed time, with and without. */
async function compareDesktops(ours: Side, installation: Installation, rounds: number): Promise<void> {
  const recorded = new RecordedBytes(installation);
  const titles = { [base]: 'Desktop, not recorded', 'Recorded picture': 'Desktop, recorded' };
  const costs: Record<string, number[]> = { [base]: [], 'Recorded picture': [] };
  const off = await startAnimatedDesktop(ours.page, titles[base]);
  const on = await startAnimatedDesktop(ours.page, titles['Recorded picture'], ['Record the picture']);
  try {
    for (let round = 0; round < rounds; round++)
      for (const [name, title] of Object.entries(titles)) {
        const before = gatewayProcessorOf(ours);
        const { guacdMs, frames } = await showAnimation(ours.page, ours, title);
        await disconnect(ours.page);
        await recorded.untilStored();
        costs[name]?.push((guacdMs + gatewayProcessorOf(ours) - before) / Math.max(1, frames));
      }
    printOverhead('an animation, not recorded: processor time a frame', costs);
  } finally {
    await off.stop();
    await on.stop();
  }
}

async function showAnimation(
  page: Page,
  side: Side,
  title: string,
): Promise<{ guacdMs: number; frames: number }> {
  await openMachine(page, title);
  const guacd = () => processorOf(side) - gatewayProcessorOf(side);
  const used = guacd();
  await animate(side, animationMs);
  const { frames } = await watchFrames(page, animationMs);
  return { guacdMs: guacd() - used, frames };
}

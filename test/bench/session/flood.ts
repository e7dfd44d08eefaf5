// A flood of known length, from the command to its end as the target sees it, which waits for whoever shows it.
import { setTimeout as wait } from 'node:timers/promises';
import type { SshTarget } from '../../fixtures/ssh-target.ts';
import { compare, emptyPair, ratioOf } from './comparison.ts';
import { processorOf, type, type Side } from './sides.ts';

const floodLines = 1_000_000;
const withinMs = 60_000;
const goal = 1;
let count = 0;

export async function compareFloods(
  ours: Side,
  theirs: Side,
  target: SshTarget,
  rounds: number,
): Promise<void> {
  const [times, costs] = [emptyPair(), emptyPair()];
  for (const side of [ours, theirs]) await side.open();
  for (let round = 0; round < rounds; round++)
    for (const [at, side] of [ours, theirs].entries()) {
      await side.page.bringToFront();
      const { elapsedMs, processorMs } = await flood(side, target);
      times[at as 0 | 1].push(elapsedMs);
      costs[at as 0 | 1].push(processorMs);
    }
  const met = 1 / ratioOf(times) >= goal;
  compare(`${floodLines} lines through the terminal`, times, { text: `rate ≥ ${goal}`, met });
  compare('  processor time for it', costs);
}

export interface FloodCost {
  readonly elapsedMs: number;
  /** Of gateway or server, and guacds. */
  readonly processorMs: number;
}

/** Through the session that shows. */
export async function flood(
  side: Pick<Side, 'page' | 'parts'>,
  target: SshTarget,
  lines = floodLines,
): Promise<FloodCost> {
  const name = `flood-${count++}`;
  const [since, used] = [performance.now(), processorOf(side)];
  await type(side, `seq 1 ${lines}; echo done > ${name}`);
  await untilFile(target, name);
  return { elapsedMs: performance.now() - since, processorMs: processorOf(side) - used };
}

/** The command that writes it has ended. */
export async function untilFile(
  target: Pick<SshTarget, 'homeFile'>,
  name: string,
  mostMs = withinMs,
): Promise<void> {
  const since = performance.now();
  while (target.homeFile(name) === null) {
    if (performance.now() - since > mostMs) throw new Error(`${name} is not written`);
    await wait(5);
  }
}

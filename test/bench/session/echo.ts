// Key to changed picture, with nothing else, and while another session of the same page floods.
import { setTimeout as wait } from 'node:timers/promises';
import { measureKeyEcho } from '../page-figures.ts';
import { compare, emptyPair, ratioOf } from './comparison.ts';
import { type, type Side } from './sides.ts';

const keysARound = 30;
const goals = { idle: 1.1, flooded: 0.5 };

export async function compareEchoes(ours: Side, theirs: Side, rounds: number): Promise<void> {
  await compareEcho('key to changed picture, idle', goals.idle, [ours, theirs], rounds);
  for (const side of [ours, theirs]) await floodBesides(side);
  const title = 'key to changed picture, another session floods';
  await compareEcho(title, goals.flooded, [ours, theirs], rounds);
}

async function compareEcho(
  title: string,
  goal: number,
  sides: readonly [Side, Side],
  rounds: number,
): Promise<void> {
  const pair = emptyPair();
  for (const side of sides) await side.open();
  for (const side of sides) await type(side, 'clear; cat > /dev/null');
  await wait(500); // the prompt is drawn: a picture that changes by itself is no echo
  for (let round = 0; round < rounds; round++)
    for (const [at, side] of sides.entries()) {
      await side.page.bringToFront();
      pair[at as 0 | 1].push(...(await measureKeyEcho(side.page, keysARound)));
    }
  compare(title, pair, { text: `ratio of p50 ≤ ${goal}`, met: ratioOf(pair) <= goal });
}

async function floodBesides(side: Side): Promise<void> {
  await side.open();
  await type(side, 'yes "the quick brown fox jumps over the lazy dog"');
}

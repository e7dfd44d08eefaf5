// What recording costs: processor time with it and without, and bytes an hour against guacd's own recording of the same work.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { disconnect } from '../../e2e/person.ts';
import type { Installation } from '../../e2e/installation.ts';
import { median, row } from '../figures.ts';
import { animate, startAnimatedDesktop } from './animation.ts';
import { verdict } from './comparison.ts';
import { flood, untilFile } from './flood.ts';
import { fileBytes, RecordedBytes } from './recorded-bytes.ts';
import { watchFrames } from './frame-watch.ts';
import type { Peer, PeerTarget } from './peer.ts';
import { addMachine, gatewayProcessorOf, openMachine, openPeer, processorOf, type } from './sides.ts';
import type { Side, Size } from './sides.ts';

const machines = {
  none: 'Not recorded',
  both: 'Recorded picture and text',
  picture: 'Recorded picture',
  text: 'Recorded text',
} as const;
const switches = {
  [machines.none]: [],
  [machines.both]: ['Record the picture', 'Record the text of terminals'],
  [machines.picture]: ['Record the picture'],
  [machines.text]: ['Record the text of terminals'],
};
const goals = { overhead: 1.05, bytes: 0.25 };
const desktopSize = { width: 1280, height: 720 };
const animationMs = 5_000;
const second = 1_000;
const hour = 3_600 * second;

/** A terminal in which somebody works: lists, a program that redraws the screen, a burst, and pauses to read. */
const work = `for i in $(seq 20); do ls -l --color=always /usr/bin | tail -n $((i * 37)) | head -12; sleep 0.4; done
for i in $(seq 8); do printf '\\033[H'; ls -l /usr/lib | tail -n +$((i * 3)) | head -30; sleep 0.3; done
seq 1 3000; sleep 1; clear
`;

export interface RecordingParts {
  readonly ours: Side;
  readonly theirs: Side;
  readonly peer: Peer;
  readonly installation: Installation;
  readonly rounds: number;
}

export async function measureRecording(parts: RecordingParts): Promise<void> {
  const { ours, installation } = parts;
  for (const [title, on] of Object.entries(switches)) await addMachine(ours.page, installation, title, on);
  writeFileSync(join(installation.target.home, 'work.sh'), work, { mode: 0o644 });
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-guacd-recording-'));
  chmodSync(folder, 0o777); // guacd has an account of its own
  try {
    await compareTerminals(parts);
    await compareWork(parts, folder);
    await compareDesktops(parts, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A flood of known length, to the end of its session and until the server has all that was recorded of it. */
async function compareTerminals({ ours, installation, rounds }: RecordingParts): Promise<void> {
  const recorded = new RecordedBytes(installation);
  const costs: Record<string, number[]> = { [machines.none]: [], [machines.both]: [], [machines.text]: [] };
  for (let round = 0; round < rounds; round++)
    for (const [title, list] of Object.entries(costs)) {
      await openMachine(ours.page, title);
      const { processorMs } = await flood(ours, installation.target);
      const used = gatewayProcessorOf(ours);
      await disconnect(ours.page);
      await recorded.untilStored();
      list.push(processorMs + gatewayProcessorOf(ours) - used);
    }
  printOverhead('a flood, not recorded: processor time', costs, machines.none);
}

/** Prints all, and of each beside the base how much more it is. */
function printOverhead(title: string, costs: Record<string, number[]>, base: string): void {
  const without = costs[base] ?? [];
  console.log(row(title, without));
  for (const [name, list] of Object.entries(costs)) {
    if (name === base) continue;
    const ratio = median(list) / median(without);
    const more = ((ratio - 1) * 100).toFixed(1);
    console.log(row(`  ${name.toLowerCase()}`, list));
    console.log(`  ${more} % more   ${verdict({ text: '≤ 5 %', met: ratio <= goals.overhead })}`);
  }
}

async function compareWork({ ours, theirs, peer, installation }: RecordingParts, folder: string) {
  const recorded = new RecordedBytes(installation);
  const run = async (side: Side, name: string) => {
    await type(side, `sh work.sh; echo done > ${name}`);
    await untilFile(installation.target, name);
    await wait(second); // what is still to be drawn
  };
  const bytesOf = async (title: string) => {
    await openMachine(ours.page, title);
    await run(ours, `work of ${title}`.replaceAll(' ', '-').toLowerCase());
    await disconnect(ours.page);
    return await recorded.untilStored();
  };
  await ours.page.bringToFront();
  const since = performance.now();
  const picture = await bytesOf(machines.picture);
  const tookMs = performance.now() - since;
  const text = await bytesOf(machines.text);
  const { target } = installation;
  const name = { 'recording-name': 'terminal', 'typescript-name': 'typescript' };
  const more = { 'recording-path': folder, 'typescript-path': folder, ...name };
  await recordByPeer(theirs, peer, { ...target, more }, await sizeOf(theirs), () =>
    run(theirs, 'work-of-peer'),
  );
  const its = { picture: fileBytes(join(folder, 'terminal')), text: fileBytes(join(folder, 'typescript')) };
  printBytes('terminal at work, picture', picture, its.picture, tookMs);
  printBytes('terminal at work, text, against guacd’s text', text, its.text, tookMs);
  printBytes('terminal at work, text, against guacd’s picture', text, its.picture, tookMs);
}

async function sizeOf(side: Side): Promise<Size> {
  return await side.page.evaluate(() => window.peer.size());
}

async function recordByPeer(
  side: Side,
  peer: Peer,
  target: PeerTarget,
  size: Size,
  run: () => Promise<void>,
): Promise<void> {
  await side.page.bringToFront();
  await openPeer(side.page, peer, target, size);
  await run();
  await side.page.evaluate(() => window.peer.disconnect());
  await wait(second); // guacd closes the file when the session is over
}

function printBytes(title: string, ours: number, theirs: number, ms: number): void {
  const anHour = (bytes: number) => `${((bytes / ms) * (hour / 1e6)).toFixed(1)} MB/h`;
  const ratio = ours / theirs;
  const judged = verdict({ text: `ratio ≤ ${goals.bytes}`, met: ratio <= goals.bytes });
  console.log(`${title}: ${anHour(ours)}, guacd ${anHour(theirs)}, ratio ${ratio.toFixed(3)}   ${judged}`);
}

/** The animation for a fixed time, with and without; of guacd's own recording the bytes. */
async function compareDesktops({ ours, theirs, peer, installation, rounds }: RecordingParts, folder: string) {
  const recorded = new RecordedBytes(installation);
  await ours.page.bringToFront();
  const off = await startAnimatedDesktop(ours.page, 'Desktop, not recorded');
  const on = await startAnimatedDesktop(ours.page, 'Desktop, recorded', ['Record the picture']);
  try {
    const costs: Record<string, number[]> = { [off.title]: [], [on.title]: [] };
    let [bytes, frames] = [0, 0];
    for (let round = 0; round < rounds; round++)
      for (const [title, list] of Object.entries(costs)) {
        await openMachine(ours.page, title);
        const used = processorOf(ours);
        await animate(ours, animationMs);
        frames = (await watchFrames(ours.page, animationMs)).frames;
        const cost = processorOf(ours) - used - gatewayProcessorOf(ours);
        await disconnect(ours.page);
        bytes = await recorded.untilStored();
        list.push((cost + gatewayProcessorOf(ours)) / Math.max(1, frames));
      }
    printOverhead('an animation, not recorded: processor time a frame', costs, off.title);
    const more = { 'recording-path': folder, 'recording-name': 'desktop' };
    let peerFrames = 0;
    await recordByPeer(theirs, peer, { ...on.target, more }, desktopSize, async () => {
      await animate(theirs, animationMs);
      peerFrames = (await watchFrames(theirs.page, animationMs)).frames;
    });
    console.log(`  frames shown: ours ${frames}, guacamole-lite ${peerFrames}`);
    printBytes('animated desktop, picture', bytes, fileBytes(join(folder, 'desktop')), animationMs);
  } finally {
    await off.stop();
    await on.stop();
  }
}

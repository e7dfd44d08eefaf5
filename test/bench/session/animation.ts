// A full-screen animation on a real VNC desktop: how much of it the page shows in a given time.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright';
import { createMachine, createUser, disconnect } from '../../e2e/person.ts';
import { startDesktop, type DesktopTarget } from '../../fixtures/desktop-target.ts';
import { compare, emptyPair, ratioOf } from './comparison.ts';
import type { Peer, PeerTarget } from './peer.ts';
import { watchFrames, type FrameWatch } from './frame-watch.ts';
import { openMachine, openPeer, pictureScale, processorOf, type, type Side } from './sides.ts';

const size = { width: 1280, height: 720 };
const showMs = 5_000;
/** It has begun, and nobody counts the first picture of it. */
const riseMs = 1_000;
const goal = 1;
const machine = 'Animated desktop';

/**
 * Bands of colour that move over the whole screen, sixty times a second: more than either side shows. Frames are made
 * beforehand, so that drawing them costs the desktop little.
 */
const program = `use Time::HiRes qw(sleep);
my ($seconds) = @ARGV;
my @frames = map { my $k = $_; "\\e[H" . join('', map { my $y = $_; join('', map {
  sprintf("\\e[48;5;%dm        ", 16 + ($_ * 7 + $y + $k * 9) % 216) } 0 .. 24) . "\\e[0m\\e[E" } 0 .. 54) } 0 .. 23;
$| = 1;
my $n = 0;
my $end = time + $seconds;
while (time < $end) { print $frames[$n++ % @frames]; sleep(1 / 60) }
print "\\e[0m\\e[2J\\e[H";
`;

/** The target of both sides, as the vault and as the peer know it. */
export interface AnimatedDesktop {
  readonly title: string;
  readonly target: PeerTarget;
  stop(): Promise<void>;
}

/** `page`: of the vault, in which it becomes a machine. */
export async function startAnimatedDesktop(
  page: Page,
  title = machine,
  switches: readonly string[] = [],
): Promise<AnimatedDesktop> {
  const desktop = await startDesktop(`${size.width}x${size.height}`);
  const file = join(desktop.home, 'animate.pl');
  writeFileSync(file, program);
  chmodSync(file, 0o644);
  await addToVault(page, desktop, title, switches);
  const { host, port, password } = desktop;
  return { title, target: { type: 'vnc', host, port, password }, stop: desktop.stop };
}

async function addToVault(
  page: Page,
  { host, port, password }: DesktopTarget,
  title: string,
  switches: readonly string[],
): Promise<void> {
  const user = `User of ${title}`;
  await createUser(page, { title: user, login: 'desk', password });
  const place = { host, port, gateway: 'Office', protocol: 'VNC', credential: user };
  await createMachine(page, { ...place, title, switches });
}

/** Types into the terminal that is the desktop's only window. */
export function animate(side: Pick<Side, 'page'>, ms: number): Promise<void> {
  return type(side, `perl animate.pl ${Math.ceil(ms / 1000)}`);
}

export async function compareAnimations(ours: Side, theirs: Side, peer: Peer, rounds: number): Promise<void> {
  const desktop = await startAnimatedDesktop(ours.page);
  try {
    const [frames, drawn, costs] = [emptyPair(), emptyPair(), emptyPair()];
    const add = (at: 0 | 1, seen: FrameWatch & { readonly processorMs: number }) => {
      frames[at].push(seen.frames / (showMs / 1000));
      drawn[at].push(seen.changedBytes / (showMs / 1000) / 1e6);
      costs[at].push(seen.processorMs / Math.max(1, seen.frames));
    };
    for (let round = 0; round < rounds; round++) {
      await ours.page.bringToFront();
      await openMachine(ours.page, desktop.title);
      const scale = await pictureScale(ours.page);
      add(0, await watch(ours));
      await disconnect(ours.page);
      await theirs.page.bringToFront();
      await openPeer(theirs.page, peer, desktop.target, size);
      await theirs.page.evaluate((factor) => window.peer.scale(factor), scale);
      add(1, await watch(theirs));
      await theirs.page.evaluate(() => window.peer.disconnect());
    }
    const met = ratioOf(frames) >= goal && ratioOf(drawn) >= goal;
    compare('full-screen VNC animation, frames shown', frames, { text: `ratio ≥ ${goal}`, met }, '/s');
    compare('  of it drawn anew', drawn, null, 'MB/s');
    compare('  processor time a frame', costs);
  } finally {
    await desktop.stop();
  }
}

async function watch(side: Side): Promise<FrameWatch & { readonly processorMs: number }> {
  await animate(side, riseMs + showMs + 1_000);
  await wait(riseMs);
  const used = processorOf(side);
  const seen = await watchFrames(side.page, showMs);
  const processorMs = processorOf(side) - used;
  await wait(2_000); // until it has ended, and the screen is empty
  return { ...seen, processorMs };
}

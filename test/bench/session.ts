// npm run bench -- session [PART …] [ROUNDS]: a session against guacamole-lite, with guacds of the same build, the same targets
// and the same Chromium in the same run, rounds in turn. Parts (all of them without a name):
//   first-frame  click to first frame and its split by leg; memory a session
//   echo         key to changed picture, idle and while another session of the same page floods
//   flood        how fast a terminal's flood is taken in, and what it costs
//   vnc          a full-screen animation of a VNC desktop: frames and pixels that the page shows
//   recording    what recording costs in processor time, with it and without
//   bytes        bytes of a recording an hour, against guacd's own recording of the same work
import { join } from 'node:path';
import { chromium } from 'playwright';
import { chromiumLaunch } from '../chromium.ts';
import { Installation } from '../e2e/installation.ts';
import { machines, moveIn } from '../e2e/move-in.ts';
import { connect } from '../e2e/person.ts';
import { servePage } from './page-server.ts';
import { sharePriority } from './priority.ts';
import { compareAnimations } from './session/animation.ts';
import { compareEchoes } from './session/echo.ts';
import { compareFirstFrames } from './session/first-frame.ts';
import { compareFloods } from './session/flood.ts';
import { Peer } from './session/peer.ts';
import { compareBytes } from './session/recorded-work.ts';
import { compareCosts } from './session/recording.ts';
import { ourSide, peerSide, pictureSize, type Side } from './session/sides.ts';

const usualRounds = 3;
const names = ['first-frame', 'echo', 'flood', 'vnc', 'recording', 'bytes'] as const;
type Part = (typeof names)[number];

const { chosen, rounds } = readArguments(process.argv.slice(2));
const installation = await Installation.start();
const peer = await Peer.start();
const site = await servePage(join(import.meta.dirname, 'session/peer-page.ts'));
const browser = await chromium.launch(chromiumLaunch);
try {
  const { page } = await moveIn(browser, installation);
  await connect(page, machines.password); // pins the host key and warms every part
  const size = await pictureSize(page);
  const ours = ourSide(page, installation);
  const theirs = await peerSide(browser, peer, { url: site.url, target: installation.target, size });
  console.log(`terminals of ${size.width} × ${size.height}; first ours, then guacamole-lite's`);
  const parts = partsOf(ours, theirs);
  for (const name of chosen) {
    for (const side of [ours, theirs]) await side.startAnew();
    sharePriority();
    await parts[name]();
  }
} finally {
  await browser.close();
  site.close();
  await peer.stop();
  await installation.stop();
}

function partsOf(ours: Side, theirs: Side): Readonly<Record<Part, () => Promise<void>>> {
  return {
    'first-frame': () => compareFirstFrames(ours, theirs),
    echo: () => compareEchoes(ours, theirs, rounds),
    flood: () => compareFloods(ours, theirs, installation.target, rounds),
    vnc: () => compareAnimations(ours, theirs, peer, rounds),
    recording: () => compareCosts(ours, installation, rounds),
    bytes: () => compareBytes({ ours, theirs, peer, installation }),
  };
}

function readArguments(args: readonly string[]): { chosen: readonly Part[]; rounds: number } {
  const isPart = (text: string): text is Part => names.some((name) => name === text);
  const wrong = args.find((text) => !isPart(text) && !/^[1-9]\d*$/.test(text));
  if (wrong !== undefined) throw new Error(`"${wrong}" is no part: there are ${names.join(', ')}`);
  const parts = args.filter(isPart);
  const rounds = Number(args.find((text) => !isPart(text)) ?? usualRounds);
  return { chosen: parts.length > 0 ? parts : names, rounds };
}

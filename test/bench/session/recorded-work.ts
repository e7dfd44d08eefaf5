// Bytes of a recording against guacd's own recording of the same work: a terminal, and a desktop with a terminal on it.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createMachine, createUser, disconnect } from '../../e2e/person.ts';
import type { Installation } from '../../e2e/installation.ts';
import { startDesktop, type DesktopTarget } from '../../fixtures/desktop-target.ts';
import { verdict } from './comparison.ts';
import { untilFile } from './flood.ts';
import type { Peer, PeerTarget } from './peer.ts';
import { fileBytes, RecordedBytes } from './recorded-bytes.ts';
import { addMachine, openMachine, openPeer, type, type Side, type Size } from './sides.ts';

const goal = 0.25;
const second = 1_000;
const hour = 3_600 * second;
/** The work takes a quarter of a minute, where nothing else is done. */
const workMs = 180 * second;
const desktopSize = { width: 1280, height: 720 };
/** That a desktop of that size shows. */
const desktopCells = '155x40';
const machines = { picture: 'Worked on, picture', text: 'Worked on, text', desktop: 'Desk worked on' };

/** A terminal in which somebody works: lists, a program that redraws the screen, a burst, and pauses to read. */
const work = `for i in $(seq 20); do ls -l --color=always /usr/bin | tail -n $((i * 37)) | head -12; sleep 0.4; done
for i in $(seq 8); do printf '\\033[H'; ls -l /usr/lib | tail -n +$((i * 3)) | head -30; sleep 0.3; done
seq 1 3000; sleep 1; clear
`;

export interface WorkParts {
  readonly ours: Side;
  readonly theirs: Side;
  readonly peer: Peer;
  readonly installation: Installation;
}

type Worked = Pick<DesktopTarget, 'home' | 'homeFile'>;

export async function compareBytes(parts: WorkParts): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-guacd-recording-'));
  chmodSync(folder, 0o777); // guacd has an account of its own
  try {
    await compareTerminals(parts, folder);
    await compareDesktops(parts, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compareTerminals(parts: WorkParts, folder: string): Promise<void> {
  const { ours, theirs, peer, installation } = parts;
  const { target } = installation;
  await addMachine(ours.page, installation, machines.picture, ['Record the picture']);
  await addMachine(ours.page, installation, machines.text, ['Record the text of terminals']);
  const picture = await recordOurs(parts, machines.picture, target);
  const text = await recordOurs(parts, machines.text, target);
  const names = { 'recording-name': 'terminal', 'typescript-name': 'typescript' };
  const more = { 'recording-path': folder, 'typescript-path': folder, ...names };
  const size = await theirs.page.evaluate(() => window.peer.size());
  await recordTheirs(theirs, peer, { ...target, more }, size, target);
  const its = { picture: fileBytes(join(folder, 'terminal')), text: fileBytes(join(folder, 'typescript')) };
  printBytes('terminal at work, picture', picture, its.picture);
  printBytes('terminal at work, text; guacd’s text', text, its.text);
  printBytes('terminal at work, text; guacd’s picture', text, its.picture);
}

async function compareDesktops(parts: WorkParts, folder: string): Promise<void> {
  const { ours, theirs, peer } = parts;
  const { width, height } = desktopSize;
  const desktop = await startDesktop(`${width}x${height}`, desktopCells);
  try {
    const { host, port, password } = desktop;
    await ours.page.bringToFront();
    await createUser(ours.page, { title: 'Desk worker', login: 'desk', password });
    const place = { host, port, gateway: 'Office', protocol: 'VNC', credential: 'Desk worker' };
    await createMachine(ours.page, { ...place, title: machines.desktop, switches: ['Record the picture'] });
    const picture = await recordOurs(parts, machines.desktop, desktop);
    const more = { 'recording-path': folder, 'recording-name': 'desktop' };
    await recordTheirs(theirs, peer, { type: 'vnc', host, port, password, more }, desktopSize, desktop);
    printBytes('desktop at work, picture', picture, fileBytes(join(folder, 'desktop')));
  } finally {
    await desktop.stop();
  }
}

interface RecordedWork {
  readonly bytes: number;
  readonly tookMs: number;
}

async function recordOurs(
  { ours, installation }: WorkParts,
  title: string,
  target: Worked,
): Promise<RecordedWork> {
  const recorded = new RecordedBytes(installation);
  await ours.page.bringToFront();
  const since = performance.now();
  await openMachine(ours.page, title);
  await doWork(ours, target, title);
  await disconnect(ours.page);
  return { tookMs: performance.now() - since, bytes: await recorded.untilStored() };
}

async function recordTheirs(
  side: Side,
  peer: Peer,
  machine: PeerTarget,
  size: Size,
  target: Worked,
): Promise<void> {
  await side.page.bringToFront();
  await openPeer(side.page, peer, machine, size);
  await doWork(side, target, `peer ${machine.type ?? 'ssh'}`);
  await side.page.evaluate(() => window.peer.disconnect());
  await wait(second); // guacd closes the file when the session is over
}

async function doWork(side: Side, target: Worked, title: string): Promise<void> {
  const name = `done-${title.replace(/\W+/g, '-')}`;
  writeFileSync(join(target.home, 'work.sh'), `${work}echo done > ${name}\n`, { mode: 0o644 });
  await type(side, 'sh work.sh'); // few keys, and none with Shift: typed at once, on a busy desktop
  await untilFile(target, name, workMs);
  await wait(second); // what is still to be drawn
}

function printBytes(title: string, { bytes, tookMs }: RecordedWork, theirs: number): void {
  const anHour = (much: number) => `${((much / tookMs) * (hour / 1e6)).toFixed(1)} MB/h`;
  const ratio = bytes / theirs;
  const judged = verdict({ text: `ratio ≤ ${goal}`, met: ratio <= goal });
  console.log(
    `${title.padEnd(44)} ${anHour(bytes)}, guacd ${anHour(theirs)}, ratio ${ratio.toFixed(3)}   ${judged}`,
  );
}

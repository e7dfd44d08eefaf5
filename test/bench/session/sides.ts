// The two that are compared: how each opens a session, what carries it, and what it costs.
import type { Browser, Page } from 'playwright';
import { connect, createMachine, disconnect, openRecord, unlock } from '../../e2e/person.ts';
import type { Installation } from '../../e2e/installation.ts';
import { machines } from '../../e2e/move-in.ts';
import { readConnectFigures, type ConnectFigures } from '../page-figures.ts';
import type { Peer, PeerTarget } from './peer.ts';
import { memoryMebibytes, processorSeconds } from './process-cost.ts';

export interface Side {
  readonly name: string;
  readonly page: Page;
  /** Of its gateway or server, and of its guacds. */
  readonly parts: () => { readonly gateway: readonly number[]; readonly guacd: readonly number[] };
  /** Opens a session on the SSH target beside those that are open, and shows it. */
  readonly open: () => Promise<ConnectFigures>;
  /** Ends all its sessions, and opens one on the SSH target: everything is warm. */
  readonly startAnew: () => Promise<void>;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The vault's page, on which a machine was connected to before: its host key is pinned. */
export function ourSide(page: Page, installation: Installation): Side {
  const open = () => openMachine(page, machines.password);
  const parts = () => ({ gateway: [installation.gateway?.pid ?? 0], guacd: installation.guacd.pids() });
  const startAnew = async () => {
    await reloadVault(page);
    await open();
  };
  return { name: 'ours', page, parts, open, startAnew };
}

export async function reloadVault(page: Page): Promise<void> {
  await page.reload();
  await unlock(page);
}

/** Presses Connect on a machine that asks nothing more. Settles at its first frame. */
export async function openMachine(page: Page, title: string): Promise<ConnectFigures> {
  await openRecord(page, title);
  await page.evaluate(() => performance.clearMarks());
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  return await readConnectFigures(page);
}

/** Another record of the SSH target, connected to once: its host key is pinned. */
export async function addMachine(
  page: Page,
  { target }: Installation,
  title: string,
  switches: readonly string[],
): Promise<void> {
  const { host, port, username } = target;
  const place = { host, port, gateway: 'Office', credential: `Builder (${username})` };
  await createMachine(page, { ...place, title, switches });
  await connect(page, title);
  await disconnect(page);
}

export async function peerSide(
  browser: Browser,
  peer: Peer,
  { url, target, size }: { readonly url: string; readonly target: PeerTarget; readonly size: Size },
): Promise<Side> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 720 } })).newPage();
  await page.goto(url);
  const parts = () => ({ gateway: [peer.pid], guacd: [peer.guacd.pid] });
  const open = () => openPeer(page, peer, target, size);
  const startAnew = async () => {
    await page.reload();
    await open();
  };
  return { name: 'guacamole-lite', page, parts, open, startAnew };
}

export async function openPeer(
  page: Page,
  peer: Peer,
  target: PeerTarget,
  size: Size,
): Promise<ConnectFigures> {
  const total = await page.evaluate((access) => window.peer.connect(access), peer.access(target, size));
  return { total, legs: new Map() };
}

/** Of the largest picture that is shown: what the other side is asked to draw, too. */
export async function pictureSize(page: Page): Promise<Size> {
  const { width, height } = await shownPicture(page);
  return { width, height };
}

/** By how much its page shows it larger than it is: what the other page does, too, since a browser has to work for that. */
export async function pictureScale(page: Page): Promise<number> {
  return (await shownPicture(page)).scale;
}

async function shownPicture(page: Page): Promise<Size & { readonly scale: number }> {
  return await page.evaluate(() => {
    const all = [...document.querySelectorAll<HTMLCanvasElement>('[role="application"] canvas')];
    const [largest] = all.sort((a, b) => b.width * b.height - a.width * a.height);
    if (!largest) return { width: 1024, height: 640, scale: 1 };
    const { width, height } = largest;
    return { width, height, scale: largest.getBoundingClientRect().width / width };
  });
}

/** Into the session that shows. */
export async function type({ page }: Pick<Side, 'page'>, command: string): Promise<void> {
  await page.getByRole('application').last().click({ force: true });
  await page.keyboard.type(command);
  await page.keyboard.press('Enter');
}

/** Mebibytes: of what runs all the time, and of the guacds. */
export function memoryOf(side: Side): { readonly gateway: number; readonly guacd: number } {
  const { gateway, guacd } = side.parts();
  return { gateway: sum(gateway, memoryMebibytes), guacd: sum(guacd, memoryMebibytes) };
}

/** Milliseconds of a processor that gateway or server and the guacds that run have used since they started. */
export function processorOf(side: Pick<Side, 'parts'>): number {
  const { guacd } = side.parts();
  return gatewayProcessorOf(side) + sum(guacd, processorSeconds) * 1000;
}

/** The same without the guacds, which take what they have used with them when they end. */
export function gatewayProcessorOf({ parts }: Pick<Side, 'parts'>): number {
  return sum(parts().gateway, processorSeconds) * 1000;
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + of(pid), 0);
}

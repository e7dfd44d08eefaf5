// The drive of an RDP session through a whole gateway: a real xrdp with its channels, a real guacd, a real peer connection.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ConnectReply } from '../../../protocol/messages/gen/command_pb.js';
import { guacdEnvironment } from '../../../scripts/process/gateway.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { MachineFiles } from '../../../web/session/files/machine-files.ts';
import { Installation } from '../../fakes/installation.ts';
import { FakePage } from '../../fakes/page.ts';
import { FakeTerminal } from '../../fakes/terminal.ts';
import { bytesOf, downloaded, noSignal, uploaded } from '../../fixtures/file-desk.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startRdpChannels, type RdpChannels } from '../../fixtures/rdp-channels.ts';

const asRoot = process.getuid?.() === 0;
const folder = `/var/cache/sallyport/test-gateway-drives-${process.pid}`;
let guacd: GuacdPool;
let windows: RdpChannels;
let made: Installation;
const pages: FakePage[] = [];

beforeAll(async () => {
  if (asRoot) [guacd, windows] = await Promise.all([startTestGuacdPool(), startRdpChannels()]);
});
afterAll(() => Promise.all([guacd?.stop(), windows?.stop()]));
afterEach(async () => {
  for (const page of pages.splice(0)) page.close();
  await made?.stop();
});

interface Opened {
  readonly reply: ConnectReply;
  readonly files: MachineFiles;
  readonly page: FakePage;
}

async function open(
  drive: Record<string, unknown>,
  environment: Record<string, string> = {},
): Promise<Opened> {
  const { host, port, password } = windows.target;
  const connection = { protocol: 'rdp', ignoreCert: true, drive };
  made = await Installation.make({ host, port, username: 'ada', password, connection });
  await made.enrol();
  const settings = { ...guacdEnvironment(guacd.place), SALLYPORT_GATEWAY_DRIVES: folder, ...environment };
  await made.start(settings);
  const page = new FakePage();
  pages.push(page);
  const { reply } = await made.connect(page);
  await page.opened;
  const terminal = new FakeTerminal(page.openStream(reply.streamToken));
  await terminal.until(() => terminal.count('sync') > 0 && terminal.pictures > 0);
  const token = reply.files?.token ?? new Uint8Array(16);
  const files = new MachineFiles((ask) => page.streams.openStream({ streamToken: token, file: { ask } }));
  return { reply, files, page };
}

/** Of this gateway. */
const drives = () => join(folder, made.gatewayUid);
const sallyport = { enableDrive: true };

describe.runIf(asRoot)('the drive of an RDP session', () => {
  test('is told by its name, reached by its token, and gone with its session', async () => {
    const { reply, files, page } = await open(sallyport);
    expect(reply.files).toMatchObject({ upload: true, download: true, drive: 'Sallyport' });
    expect(reply.missing).toBeUndefined();
    await uploaded(files, { path: '/to-the-machine.txt', content: new Uint8Array(Buffer.from('hello')) });
    await windows.untilDrive();
    const seen = (name: string) => join(windows.drive, name);
    await expect.poll(() => existsSync(seen('to-the-machine.txt'))).toBe(true);
    expect(readFileSync(seen('to-the-machine.txt'), 'utf8')).toBe('hello');
    writeFileSync(seen('to-the-person.txt'), 'welcome');
    expect((await downloaded(files, '/to-the-person.txt')).toString()).toBe('welcome');
    expect(made.logLines.join('\n')).not.toContain('to-the-');
    page.close();
    await made.gateway?.close();
    expect(existsSync(drives())).toBe(false);
  });

  test('each way is held to the record', async () => {
    const { reply, files } = await open({ ...sallyport, disableUpload: true, disableDownload: true });
    expect(reply.files).toMatchObject({ upload: false, download: false });
    await expect(uploaded(files, { path: '/a', content: Uint8Array.of(1) })).rejects.toThrow('not-allowed');
    await expect(files.makeFolder(bytesOf('/a'), noSignal())).rejects.toThrow('not-allowed');
    await expect(downloaded(files, '/a')).rejects.toThrow('not-allowed');
    const [drive = ''] = readdirSync(drives());
    expect(readdirSync(join(drives(), drive))).toEqual([]);
  });

  test('is not made for a record without it, nor where guacd has no plug-ins; what is missing is told', async () => {
    const without = await open({});
    expect(without.reply.files).toBeUndefined();
    expect(without.reply.missing).toBeUndefined();
    expect(readdirSync(drives())).toEqual([]);
    await made.stop();
    const { reply, files } = await open(sallyport, { GUACD_PLUGINS: 'false' });
    expect(reply.files).toBeUndefined();
    expect(reply.missing).toMatchObject({ drive: true, sound: true });
    await expect(files.list(null, noSignal())).rejects.toThrow('unavailable');
    expect(made.logLines.join('\n')).toContain('guacd has no plug-ins');
  });

  test('what a gateway that broke off has left is removed by the next one', async () => {
    const { host, port, password } = windows.target;
    const connection = { protocol: 'rdp', ignoreCert: true, drive: sallyport };
    made = await Installation.make({ host, port, username: 'ada', password, connection });
    await made.enrol();
    mkdirSync(join(drives(), 'left/over'), { recursive: true });
    await made.start({ ...guacdEnvironment(guacd.place), SALLYPORT_GATEWAY_DRIVES: folder });
    await expect.poll(() => readdirSync(drives())).toEqual([]);
  });
});

import { once } from 'node:events';
import { rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Leg, type SessionSignal } from '../../../protocol/messages/gen/session_pb.js';
import { guacdEnvironment } from '../../../scripts/process/gateway.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { Installation, type Target } from '../../fakes/installation.ts';
import { FakePage } from '../../fakes/page.ts';
import { FakeTerminal, fileHolds } from '../../fakes/terminal.ts';
import { startDesktop, startRdpTarget, type DesktopTarget } from '../../fixtures/desktop-target.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startTelnetTarget, type TelnetTarget } from '../../fixtures/telnet-target.ts';
import { nobodysPort } from '../../fixtures/nobodys-port.ts';

const asRoot = process.getuid?.() === 0;
let guacd: GuacdPool;
let desktop: DesktopTarget;
let telnet: TelnetTarget;
let windows: DesktopTarget;
let made: Installation;
const pages: FakePage[] = [];

beforeAll(async () => {
  if (!asRoot) return;
  [guacd, desktop, telnet, windows] = await Promise.all([
    ...([startTestGuacdPool(), startDesktop(), startTelnetTarget(), startRdpTarget()] as const),
  ]);
});
afterAll(() => Promise.all([guacd?.stop(), desktop?.stop(), telnet?.stop(), windows?.stop()]));
afterEach(async () => {
  for (const page of pages.splice(0)) page.close();
  await made?.stop();
});

const byVnc = (changes: Partial<Target> = {}, connection: Record<string, unknown> = {}): Target => ({
  ...{ host: desktop.host, port: desktop.port, username: '', password: desktop.password },
  connection: { protocol: 'vnc', ...connection },
  ...changes,
});
const byTelnet = (changes: Partial<Target> = {}, connection: Record<string, unknown> = {}): Target => ({
  ...{ host: telnet.host, port: telnet.port, username: telnet.username, password: telnet.password },
  connection: { protocol: 'telnet', ...connection },
  ...changes,
});

const byRdp = (connection: Record<string, unknown> = {}, changes: Partial<Target> = {}): Target => ({
  ...{ host: windows.host, port: windows.port, username: 'CORP\\ada', password: windows.password },
  connection: { protocol: 'rdp', ...connection },
  ...changes,
});

async function begin(target: Target): Promise<void> {
  made = await Installation.make(target);
  await made.start(guacdEnvironment(guacd.place));
}

async function open(target: Target, more: Parameters<Installation['connect']>[1] = {}) {
  await begin(target);
  const page = new FakePage();
  pages.push(page);
  const { session, reply } = await made.connect(page, more);
  await page.opened;
  return { session, reply, terminal: new FakeTerminal(page.openStream(reply.streamToken)) };
}

async function failureOf(target: Target): Promise<readonly unknown[]> {
  const { session, terminal } = await open(target);
  const ends: (readonly unknown[])[] = [];
  const note = (body: SessionSignal['body']) => {
    if (body.case === 'ended') ends.push([body.value.leg, body.value.code]);
  };
  await Promise.race([session.signal('ended').then(({ body }) => note(body)), terminal.over]);
  for (const { body } of terminal.controls) note(body as SessionSignal['body']);
  return ends[0] ?? [];
}

const drawn = (terminal: FakeTerminal) => () => terminal.count('sync') > 0 && terminal.pictures > 0;

describe.runIf(asRoot)('VNC', () => {
  test('draws the desktop, says what it is, and takes what is typed', async () => {
    const { reply, terminal } = await open(byVnc());
    expect(reply).toMatchObject({ protocol: 'vnc', resizes: false, certificateIgnored: false });
    await terminal.until(drawn(terminal));
    terminal.type('echo by vnc > by-vnc\n');
    await fileHolds(desktop, 'by-vnc', 'by vnc\n');
    expect(made.logLines.join('\n')).not.toContain(desktop.password);
  });

  test('a wrong password, nobody there, and a login that is lacking are three different ends', async () => {
    expect(await failureOf(byVnc({ password: 'wrong' }))).toEqual([Leg.LOGIN, 'login-refused']);
    await made.stop();
    expect(await failureOf(byVnc({ port: nobodysPort }))).toEqual([Leg.TARGET, 'target-refused']);
    await made.stop();
    const unlinked = byVnc({}, { launchCredentialUid: '' });
    expect(await failureOf(unlinked)).toEqual([Leg.LOGIN, 'credential-needed']);
  });

  test('the desktop’s own end is told as that', async () => {
    const own = await startDesktop();
    const { terminal } = await open(byVnc({ port: own.port, password: own.password }));
    await terminal.until(drawn(terminal));
    await own.stop();
    const { body } = await terminal.control('ended');
    expect(body).toMatchObject({ case: 'ended', value: { leg: Leg.TARGET, code: 'target-closed' } });
  });

  test('a person’s own login opens it where the record allows it, and nowhere else', async () => {
    const supplied = { username: '', password: desktop.password };
    const allowed = byVnc({ password: 'wrong' }, { launchCredentialUid: '', allowSupplyUser: true });
    const { terminal } = await open(allowed, { supplied });
    await terminal.until(drawn(terminal));
    await made.stop();
    await expect(open(byVnc(), { supplied })).rejects.toThrow('refused: not-allowed');
  });
});

/** Before the prompt is there, what is typed would belong to the login. */
async function shellBegins(): Promise<void> {
  const watcher = watch(telnet.home);
  const deadline = AbortSignal.timeout(60_000);
  while (telnet.homeFile('logged-in') === null) await once(watcher, 'change', { signal: deadline });
  watcher.close();
  rmSync(join(telnet.home, 'logged-in'));
}

describe.runIf(asRoot)('telnet', () => {
  test('logs in by itself, shows the shell, takes what is typed, and leaves the target at once', async () => {
    const { terminal } = await open(byTelnet());
    await Promise.all([terminal.until(drawn(terminal)), shellBegins()]);
    terminal.type('echo hello > by-telnet\n');
    await fileHolds(telnet, 'by-telnet', 'hello\n');
    expect(telnet.connections()).toBe(1);
    terminal.end();
    await terminal.over;
    await telnet.idle();
  });

  test('the end of the shell is a normal end', async () => {
    const { terminal } = await open(byTelnet());
    await shellBegins();
    terminal.type('exit\n');
    const { body } = await terminal.control('ended');
    expect(body).toMatchObject({ case: 'ended', value: { leg: Leg.TARGET, code: 'closed' } });
  });

  test('by the record’s expressions a wrong password is known', async () => {
    const regexes = { loginSuccessRegex: '[$] $', loginFailureRegex: 'Login incorrect' };
    const end = await failureOf(byTelnet({ password: 'wrong' }, regexes));
    expect(end).toEqual([Leg.LOGIN, 'login-refused']);
  });
});

describe.runIf(asRoot)('RDP', () => {
  test('draws the desktop, takes what is typed, and gives it the size of the window', async () => {
    const { reply, terminal } = await open(byRdp({ ignoreCert: true, resizeMethod: 'display-update' }));
    expect(reply).toMatchObject({ protocol: 'rdp', resizes: true, certificateIgnored: true });
    await terminal.until(drawn(terminal));
    terminal.type('echo by rdp > by-rdp\n');
    await fileHolds(windows, 'by-rdp', 'by rdp\n');
    terminal.send('size', 900, 700);
    await terminal.until(() => terminal.screen.join() === '900,700');
  });

  test('a certificate that nobody vouches for is shown, opens the session once it is accepted, and no other does', async () => {
    const { session, terminal: refused } = await open(byRdp());
    // By the router until the page has its stream, by that from then on; the stream may be over first.
    const { body } = await Promise.any([session.signal('hostKey'), refused.control('hostKey')]);
    const shown = body.case === 'hostKey' ? body.value : null;
    expect(shown?.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    await made.stop();
    const { reply, terminal } = await open(byRdp(), { acceptedHostKey: shown?.key ?? '' });
    expect(reply).toMatchObject({ protocol: 'rdp', certificateIgnored: false });
    await terminal.until(drawn(terminal));
    await made.stop();
    const pinned = await open(byRdp({ hostKey: shown?.key }));
    await pinned.terminal.until(drawn(pinned.terminal));
    await made.stop();
    const other = shown?.key.replace(/.{8}$/, 'AAAAAAA=') ?? '';
    expect(await failureOf(byRdp({ hostKey: other }))).toEqual([Leg.TARGET, 'host-key-mismatch']);
  });

  test('policy may trust a certificate on first use, which is told', async () => {
    const { session, terminal } = await open(byRdp({ hostKeyPolicy: 'trust-on-first-use' }));
    // By the router until the page has its stream, which may be sooner or later than the certificate.
    const { body } = await Promise.race([session.signal('hostKey'), terminal.control('hostKey')]);
    expect(body).toMatchObject({ case: 'hostKey', value: { trustedOnFirstUse: true } });
    await terminal.until(drawn(terminal));
  });

  test('security that the target lacks and nobody there are told apart', async () => {
    expect(await failureOf(byRdp({ security: 'nla' }))).toEqual([Leg.TARGET, 'security-refused']);
    await made.stop();
    const elsewhere = byRdp({ ignoreCert: true }, { port: nobodysPort });
    expect(await failureOf(elsewhere)).toEqual([Leg.TARGET, 'target-refused']);
  });

  test('settings that cannot be meant open nothing', async () => {
    await expect(open(byRdp({ security: 'none' }))).rejects.toThrow('refused: untrusted-record');
  });
});

test.runIf(asRoot)('a page that comes late sees the whole desktop, drawn before it was there', async () => {
  const { terminal } = await open(byVnc());
  await terminal.until(drawn(terminal));
  expect(terminal.screen).toEqual([800, 600]);
});

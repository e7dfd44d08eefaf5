// Machines behind another: two real sshds, and a desktop, a telnet server and RDP behind the first of them.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { forwardWindow } from '../../../gateway/ssh/forwarded-socket.ts';
import { JumpWay } from '../../../gateway/ssh/jump-way.ts';
import { Leg, type SessionSignal } from '../../../protocol/messages/gen/session_pb.js';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { MachineFiles } from '../../../web/session/files/machine-files.ts';
import { Installation, type Target } from '../../fakes/installation.ts';
import { FakePage } from '../../fakes/page.ts';
import { FakeTerminal, fileHolds } from '../../fakes/terminal.ts';
import { startDesktop, startRdpTarget, type DesktopTarget } from '../../fixtures/desktop-target.ts';
import { noSignal } from '../../fixtures/file-desk.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startSshTarget, type SshTarget } from '../../fixtures/ssh-target.ts';
import { startTelnetTarget, type TelnetTarget } from '../../fixtures/telnet-target.ts';
import { nobodysPort } from '../../fixtures/nobodys-port.ts';

const asRoot = process.getuid?.() === 0;
let guacd: GuacdPool;
let jump: SshTarget;
let far: SshTarget;
/** What the jump machine's sshd logged. */
const jumpLines: string[] = [];
let made: Installation | null = null;
const pages: FakePage[] = [];

beforeAll(async () => {
  if (!asRoot) return;
  const line = (text: string) => void jumpLines.push(text);
  const verbose = { settings: ['LogLevel DEBUG1'], line };
  [guacd, jump, far] = await Promise.all([startTestGuacdPool(), startSshTarget(verbose), startSshTarget()]);
});
afterAll(() => Promise.all([guacd?.stop(), jump?.stop(), far?.stop()]));
afterEach(async () => {
  for (const page of pages.splice(0)) page.close();
  await made?.stop();
  made = null;
  jumpLines.length = 0;
});

const asTarget = ({ host, port, username, password, hostKeys }: SshTarget): Target => ({
  ...{ host, port, username, password, hostKey: hostKeys[0] ?? '' },
});

/** The machine behind the other, which is put as told. */
async function begin(target: Target, through: Target = asTarget(jump)): Promise<Installation> {
  made = await Installation.make(target);
  const connection = { ...target.connection, jumpMachineUid: made.jumpUid };
  await made.putMachine({ ...target, connection });
  await made.putJump(through);
  await made.start({ GUACD_POOL: guacd.path });
  return made;
}

async function open(target: Target, through?: Target) {
  const installation = await begin(target, through);
  const page = new FakePage();
  pages.push(page);
  const { session, reply } = await installation.connect(page);
  await page.opened;
  const terminal = new FakeTerminal(page.openStream(reply.streamToken));
  return { page, session, reply, terminal };
}

async function failureOf(target: Target, through?: Target): Promise<readonly unknown[]> {
  const { session, terminal } = await open(target, through);
  const ends: (readonly unknown[])[] = [];
  const note = (body: SessionSignal['body']) => {
    if (body.case === 'ended') ends.push([body.value.leg, body.value.code]);
  };
  await Promise.race([session.signal('ended').then(({ body }) => note(body)), terminal.over]);
  for (const { body } of terminal.controls) note(body as SessionSignal['body']);
  return ends[0] ?? [];
}

const drawn = (terminal: FakeTerminal) => () => terminal.count('sync') > 0 && terminal.pictures > 0;
/** Each connection that the jump machine made. */
const forwards = () => jumpLines.filter((line) => line.includes('server_request_direct_tcpip')).length;

describe.runIf(asRoot)('SSH behind a jump machine', () => {
  test('takes what is typed, through one connection and without a shell in between', async () => {
    const { terminal } = await open(asTarget(far));
    await terminal.until(drawn(terminal));
    terminal.type('echo through > by-jump; echo ${#SSH_CONNECTION} >> by-jump\n');
    await expect.poll(() => far.homeFile('by-jump'), { timeout: 20_000 }).toMatch(/^through\n\d+\n$/);
    expect(forwards()).toBe(1);
    expect(jumpLines.join('\n')).not.toMatch(/server_input_channel_open: ctype session/);
    const log = made?.logLines.join('\n') ?? '';
    expect(log).not.toContain(jump.password);
    expect(log).not.toContain(far.password);
  });

  test('its files come the same way', async () => {
    const sftp = { sftp: { enableSftp: true } };
    const { page, reply, terminal } = await open({ ...asTarget(far), connection: sftp });
    await terminal.until(drawn(terminal));
    const token = reply.files?.token ?? new Uint8Array(16);
    const files = new MachineFiles((ask) => page.streams.openStream({ streamToken: token, file: { ask } }));
    const { path } = await files.list(null, noSignal());
    expect(Buffer.from(path).toString()).toBe(far.home);
    expect(forwards()).toBe(1);
  });

  test('the end of the shell ends both connections', async () => {
    const { terminal } = await open(asTarget(far));
    await terminal.until(drawn(terminal));
    terminal.type('exit\n');
    const { body } = await terminal.control('ended');
    expect(body).toMatchObject({ case: 'ended', value: { leg: Leg.TARGET, code: 'closed' } });
    await expect
      .poll(() => jumpLines.join('\n'), { timeout: 20_000 })
      .toMatch(/Disconnected from user|session closed/i);
  });

  test('a jump machine that goes down is named, not the machine behind it', async () => {
    const own = await startSshTarget();
    const { terminal } = await open(asTarget(far), asTarget(own));
    await terminal.until(drawn(terminal));
    await own.stop();
    const { body } = await terminal.control('ended');
    expect(body).toMatchObject({ case: 'ended', value: { leg: Leg.JUMP, code: 'target-lost' } });
  });
});

test.runIf(asRoot)(
  '40 MB each way arrive unchanged, and a reader that is slow is waited for',
  async () => {
    const sent = randomBytes(40 * 1024 * 1024);
    const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const { port } = echo.address() as AddressInfo;
    const { host, port: jumpPort, username, password, hostKeys } = jump;
    const { signal } = new AbortController();
    const way = new JumpWay({
      ...{ host, port: jumpPort, pinnedHostKeys: hostKeys.slice(0, 1), signal },
      credential: { username, password },
    });
    const socket = await way.open({ host: '127.0.0.1', port }, signal);
    socket.end(sent);
    const hash = createHash('sha256');
    let most = 0;
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      most = Math.max(most, socket.readableLength);
      hash.update(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
    expect(most).toBeLessThanOrEqual(forwardWindow);
    way.close();
    echo.close();
  },
  120_000,
);

describe.runIf(asRoot)('what goes wrong is named with its machine', () => {
  test('at the jump machine: nobody there, another host key, none pinned, a wrong password', async () => {
    const nobody = { ...asTarget(jump), port: nobodysPort };
    expect(await failureOf(asTarget(far), nobody)).toEqual([Leg.JUMP, 'target-refused']);
    await made?.stop();
    const posing = { ...asTarget(jump), hostKey: far.hostKeys[0] ?? '' };
    expect(await failureOf(asTarget(far), posing)).toEqual([Leg.JUMP, 'host-key-mismatch']);
    await made?.stop();
    const { hostKey: _, ...unpinned } = asTarget(jump);
    const trusting = { ...unpinned, hostKeyPolicy: 'trust-on-first-use' } as const;
    expect(await failureOf(asTarget(far), trusting)).toEqual([Leg.JUMP, 'host-key-unknown']);
    await made?.stop();
    const wrong = { ...asTarget(jump), password: 'wrong' };
    expect(await failureOf(asTarget(far), wrong)).toEqual([Leg.JUMP, 'login-refused']);
  });

  test('at the machine behind it: nobody there, another host key, a wrong password', async () => {
    const nobody = { ...asTarget(far), port: nobodysPort };
    expect(await failureOf(nobody)).toEqual([Leg.TARGET, 'target-refused']);
    await made?.stop();
    const posing = { ...asTarget(far), hostKey: jump.hostKeys[0] ?? '' };
    expect(await failureOf(posing)).toEqual([Leg.TARGET, 'host-key-mismatch']);
    await made?.stop();
    expect(await failureOf({ ...asTarget(far), password: 'wrong' })).toEqual([Leg.LOGIN, 'login-refused']);
  });

  test('a jump machine that forwards nothing', async () => {
    const closed = await startSshTarget({ settings: ['AllowTcpForwarding no'] });
    const failure = await failureOf(asTarget(far), asTarget(closed));
    await closed.stop();
    expect(failure).toEqual([Leg.JUMP, 'forwarding-refused']);
  });
});

describe.runIf(asRoot)('desktops and telnet behind a jump machine', () => {
  let desktop: DesktopTarget;
  let windows: DesktopTarget;
  let telnet: TelnetTarget;
  beforeAll(async () => {
    if (asRoot)
      [desktop, windows, telnet] = await Promise.all([startDesktop(), startRdpTarget(), startTelnetTarget()]);
  });
  afterAll(() => Promise.all([desktop?.stop(), windows?.stop(), telnet?.stop()]));

  const of = ({ host, port, password }: DesktopTarget, connection: Record<string, unknown>): Target => ({
    ...{ host, port, password, username: 'ada' },
    connection,
  });

  test('VNC draws and takes what is typed; a wrong password is the machine’s', async () => {
    const { terminal } = await open(of(desktop, { protocol: 'vnc' }));
    await terminal.until(drawn(terminal));
    terminal.type('echo by vnc > by-jump\n');
    await fileHolds(desktop, 'by-jump', 'by vnc\n');
    expect(forwards()).toBe(1);
    await made?.stop();
    const wrong = { ...of(desktop, { protocol: 'vnc' }), password: 'wrong' };
    expect(await failureOf(wrong)).toEqual([Leg.LOGIN, 'login-refused']);
  });

  test('telnet logs in', async () => {
    const { host, port, username, password } = telnet;
    const { terminal } = await open({ host, port, username, password, connection: { protocol: 'telnet' } });
    await expect.poll(() => telnet.homeFile('logged-in'), { timeout: 30_000 }).not.toBeNull();
    terminal.type('echo by telnet > by-jump\n');
    await fileHolds(telnet, 'by-jump', 'by telnet\n');
    expect(forwards()).toBe(1);
  });

  test.each([
    ['ignored', { ignoreCert: true }, {}],
    ['trusted on first use', {}, { hostKeyPolicy: 'trust-on-first-use' as const }],
  ])(
    'RDP draws with its certificate %s',
    async (_, settings, policy) => {
      const { terminal } = await open({ ...of(windows, { protocol: 'rdp', ...settings }), ...policy });
      await terminal.until(drawn(terminal));
      terminal.type('echo by rdp > by-jump\n');
      await fileHolds(windows, 'by-jump', 'by rdp\n');
      expect(forwards()).toBe(2);
      rmSync(join(windows.home, 'by-jump'));
    },
    60_000,
  );

  test('RDP opens nothing where nobody vouches for the certificate, nor where it cannot be seen', async () => {
    expect(await failureOf(of(windows, { protocol: 'rdp' }))).toEqual([Leg.TARGET, 'host-key-unknown']);
    await made?.stop();
    const unseen = { protocol: 'rdp', preconnectionId: 7 };
    expect(await failureOf(of(windows, unseen))).toEqual([Leg.TARGET, 'certificate-unchecked']);
  });
});

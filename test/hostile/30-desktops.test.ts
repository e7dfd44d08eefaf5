// Classes 26 and 30: records that would have guacd record, share or listen; a guacd and a target of a desktop that mean ill.
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, test } from 'vitest';
import { openGuacd } from '../../gateway/guacd/connection.ts';
import { openGuacdSession } from '../../gateway/targets/guacd-session.ts';
import { SessionFailure } from '../../gateway/terminal/failure.ts';
import type { RecordContent } from '../../protocol/records/content.ts';
import { rdpSecurities, readSessionSettings } from '../../protocol/records/session-settings.ts';
import { agreeable, FakeGuacd } from '../unit/gateway-guacd/fake-guacd.ts';

/** Every name by which guacd 1.3.0 to 1.6.0 would write, read, offer or open something of its host. */
const dangerous = [
  ...[
    'recording-path',
    'recording-name',
    'create-recording-path',
    'recording-include-keys',
    'typescript-path',
  ],
  ...[
    'typescript-name',
    'create-typescript-path',
    'enable-drive',
    'drive-path',
    'drive-name',
    'create-drive-path',
  ],
  ...[
    'enable-printing',
    'enable-sftp',
    'sftp-hostname',
    'sftp-private-key',
    'reverse-connect',
    'listen-timeout',
  ],
  ...['static-channels', 'initial-program', 'remote-app', 'console-audio'],
  ...['enable-audio-input', 'gateway-hostname', 'gateway-password', 'wol-send-packet', 'wol-broadcast-addr'],
];
/** A record may say these for VNC, checked; for anything else they mean nothing. */
const soundOfVnc = ['enable-audio', 'audio-servername'];
const camel = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A target of those bytes. */
async function targetOf(serve: (socket: net.Socket) => void): Promise<{ host: string; port: number }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

const display = { width: 800, height: 600, dpi: 96 };
const policy = { disableCopy: false, disablePaste: false };

async function begin(content: RecordContent, target: { host: string; port: number }, guacd: FakeGuacd) {
  closing.push(() => guacd.stop());
  const settings = readSessionSettings(content);
  if (settings === null || settings.protocol === 'ssh') throw new Error('not a session of guacd');
  return await openGuacdSession({
    ...{
      target,
      settings,
      credential: { username: 'ada', password: 'secret' },
      terminal: {},
      display,
      policy,
    },
    guacd: { host: '127.0.0.1', port: guacd.port },
    signal: new AbortController().signal,
  });
}

function machine(connection: Record<string, unknown>): RecordContent {
  const fields = [{ type: 'pamSettings', value: [{ connection }] }] as RecordContent['fields'];
  return { type: 'pamMachine', title: 'Machine', fields };
}

/** X.224 Connection Confirm that selects TLS. */
const selectsTls = Buffer.from([3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 1, 0, 0, 0]);

describe('a record that names what guacd must not do', () => {
  it.each(['vnc', 'telnet', 'rdp'])('%s: guacd is told nothing of it', async (protocol) => {
    const names = protocol === 'vnc' ? dangerous : [...dangerous, ...soundOfVnc];
    const guacd = await FakeGuacd.start(agreeable(['VERSION_1_3_0', 'hostname', ...names]));
    const wishes = Object.fromEntries(
      names.flatMap((name) => [
        [name, '/x'],
        [camel(name), '/x'],
      ]),
    );
    const content = machine({ protocol, ignoreCert: true, ...wishes });
    const target = await targetOf((socket) => void socket.once('data', () => socket.write(selectsTls)));
    const session = await begin(content, target, guacd);
    const [, version, hostname, ...rest] = guacd.heard.find(([opcode]) => opcode === 'connect') ?? [];
    expect([version, hostname]).toEqual(['VERSION_1_3_0', '127.0.0.1']);
    expect(rest).toEqual(names.map(() => ''));
    await session.close();
  });

  it.each(['/x', 'unix:/run/pulse', 'host:4713 cookie=/etc/shadow'])(
    'a sound server of VNC that is no host is not passed on: %s',
    (audioServername) => {
      const content = machine({ protocol: 'vnc', enableAudio: true, audioServername });
      expect(() => readSessionSettings(content)).toThrow('audioServername is not valid');
    },
  );
});

describe('a guacd, or a target through it, that means ill', () => {
  async function shownOf(say: (guacd: FakeGuacd) => void) {
    const guacd = await FakeGuacd.start();
    closing.push(() => guacd.stop());
    let shown = '';
    const connection = await openGuacd({
      ...{ host: '127.0.0.1', port: guacd.port, select: { protocol: 'vnc' as const }, parameters: {} },
      ...{ display, policy, signal: new AbortController().signal, answers: { password: 'secret' } },
      viewer: (bytes) => {
        shown += Buffer.from(bytes).toString();
        return true;
      },
    });
    closing.push(() => connection.close());
    say(guacd);
    guacd.say('sync', 1);
    await connection.inSession;
    return { guacd, connection, shown: () => shown };
  }

  it.each([
    ['a screen of gigabytes', ['size', 0, 65_535, 65_535]],
    ['a screen of a negative size', ['size', 0, -1, 600]],
    ['a layer beyond all layers', ['size', 100_000, 10, 10]],
    ['an argument that is no terminal’s', ['argv', 1, 'text/plain', 'password']],
    ['sound nobody asked for', ['audio', 1, 'audio/L16']],
    ['a drive of the host', ['filesystem', 0, 'C:']],
  ] as const)('%s does not reach the page', async (_, [opcode, ...args]) => {
    const { shown } = await shownOf((guacd) => guacd.say(opcode, ...args));
    expect(shown()).toBe('4.sync,1.1;');
  });

  it('asks for the password once and gets it; asked again, or for more, nothing is told', async () => {
    const first = await shownOf((guacd) => guacd.say('required', 'password'));
    await first.guacd.until(() => first.guacd.opcodes().includes('end'));
    const told = first.guacd.heard.filter(([opcode]) => ['argv', 'blob', 'end'].includes(opcode ?? ''));
    expect(told).toEqual([
      ['argv', '56', 'text/plain', 'password'],
      ['blob', '56', Buffer.from('secret').toString('base64')],
      ['end', '56'],
    ]);
    first.guacd.say('required', 'password');
    expect((await first.connection.ended).code).toBe('credential-needed');
    for (const names of [['password', 'private-key'], ['__proto__'], []]) {
      const { guacd, connection } = await shownOf(() => {});
      guacd.say('required', ...names);
      expect((await connection.ended).code).toBe('credential-needed');
      expect(guacd.opcodes()).not.toContain('argv');
    }
  });
});

describe('an RDP target that means ill, before guacd comes', () => {
  const rdp = machine({ protocol: 'rdp' });
  const codeOf = async (content: RecordContent, serve: (socket: net.Socket) => void) => {
    const outcome = await begin(content, await targetOf(serve), await FakeGuacd.start()).catch(
      (error: unknown) => error,
    );
    return outcome instanceof SessionFailure ? outcome.code : 'opened';
  };

  test.each([
    ['talks without end', (socket: net.Socket) => void socket.write(Buffer.alloc(100_000, 3))],
    ['speaks another protocol', (socket: net.Socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n')],
    ['hangs up', (socket: net.Socket) => void socket.destroy()],
    ['answers with something else', (socket: net.Socket) => void socket.write(Buffer.from([3, 0, 0, 5, 1]))],
  ])('%s: refused by name', async (_, serve) => {
    expect(await codeOf(rdp, serve)).toBe('target-protocol');
  });

  test('would do with less security than the record allows: refused, and guacd never called', async () => {
    const none = Buffer.from([3, 0, 0, 11, 6, 0xd0, 0, 0, 0, 0, 0]);
    const offers = (answer: Buffer) => (socket: net.Socket) =>
      void socket.once('data', () => socket.write(answer));
    expect(await codeOf(rdp, offers(none))).toBe('security-refused');
    expect(await codeOf(machine({ protocol: 'rdp', security: 'nla' }), offers(selectsTls))).toBe(
      'security-refused',
    );
    expect(await codeOf(rdp, (socket) => void socket.once('data', () => socket.end(selectsTls)))).toBe(
      'security-refused',
    );
    expect(rdpSecurities).toContain('any');
  });
});

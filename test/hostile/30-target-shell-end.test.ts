// Class 30: a hostile target that ends its shell in its own way. An error that nobody hears fails the run.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import ssh2 from 'ssh2';
import { afterEach, describe, expect, it } from 'vitest';
import { Bridge } from '../../gateway/ssh/bridge.ts';
import { joinShells, type ShellEnd } from '../../gateway/ssh/join-shells.ts';
import { connectTarget } from '../../gateway/ssh/target.ts';

const hostKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'sec1',
  format: 'pem',
});
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** What of ssh2's writer a liar uses: it sends what it is told, in any order. */
interface Wire {
  channelData(channel: number, bytes: Buffer): void;
  channelExtData(channel: number, bytes: Buffer, type: number): void;
  channelEOF(channel: number): void;
  channelClose(channel: number): void;
  exitStatus(channel: number, status: number): void;
  _packetRW: { write: { allocStart: number; alloc(size: number): Buffer; finalize(packet: Buffer): Buffer } };
  _cipher: { encrypt(packet: Buffer): void };
}

type Behave = (wire: Wire, channel: number) => void;

async function evilTarget(behave: Behave): Promise<number> {
  const listener = net.createServer((socket) => {
    socket.on('error', () => {});
    closing.push(() => socket.destroy());
    const server = new ssh2.Server({ hostKeys: [hostKey.toString()] });
    server.on('connection', (client) => {
      client.on('error', () => {});
      client.on('authentication', (context) => context.accept());
      client.on('session', (accept) => {
        const session = accept();
        session.on('pty', (take) => take?.());
        session.on('shell', (take) => {
          const { outgoing } = take() as unknown as { outgoing: { id: number } };
          const { _protocol } = client as unknown as { _protocol: Wire };
          setImmediate(() => behave(_protocol, outgoing.id));
        });
      });
    });
    server.injectSocket(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  closing.push(() => listener.close());
  return (listener.address() as net.AddressInfo).port;
}

/** guacd's part: a client of the bridge with a terminal, and how its shell ended. */
async function guacdOf(bridge: Bridge): Promise<{ readonly exit: Promise<unknown[]> }> {
  const client = new ssh2.Client();
  closing.push(() => client.destroy());
  client.on('error', () => {});
  const { port, username, password } = bridge;
  client.connect({ host: '127.0.0.1', port, username, password });
  await once(client, 'ready');
  return new Promise((resolve, reject) => {
    client.shell((error, channel) => {
      if (error) return reject(error);
      let said: unknown[] = [];
      channel.on('exit', (...exit) => (said = exit));
      channel.resume();
      channel.stderr.resume();
      resolve({ exit: once(channel, 'close').then(() => said) });
    });
  });
}

async function join(behave: Behave): Promise<{ end: ShellEnd; exit: unknown[] }> {
  const { signal } = new AbortController();
  const bridge = await Bridge.open({ signal });
  closing.push(() => bridge.close());
  const [guacd, near] = await Promise.all([guacdOf(bridge), bridge.shell]);
  const target = await connectTarget({
    ...{ host: '127.0.0.1', port: await evilTarget(behave), pinnedHostKeys: [], trustOnFirstUse: true },
    credential: { username: 'root', password: 'x' },
    signal,
  });
  closing.push(() => target.close());
  const end = await joinShells(near, await target.openShell(near.terminal, {}), near.terminal);
  return { end, exit: await guacd.exit };
}

/** exit-signal with any name: ssh2's own writer has a list. */
function sayExitSignal(wire: Wire, channel: number, name: string): void {
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const recipient = Buffer.alloc(4);
  recipient.writeUInt32BE(channel);
  const parts = [Buffer.from([98]), recipient, text('exit-signal'), Buffer.from([0]), text(name)];
  const payload = Buffer.concat([...parts, Buffer.from([0]), text('gone'), text('')]);
  const { write } = wire._packetRW;
  const start = write.allocStart;
  const packet = write.alloc(payload.length);
  payload.copy(packet, start);
  wire._cipher.encrypt(write.finalize(packet));
}

describe('a shell that ends by a signal', () => {
  it.each(['BUS', 'SYS', 'XCPU', 'foo@openssh.com', '', 'SIGSIG', '__proto__', 'x'.repeat(4_000)])(
    'that no list has (%s): guacd is told a status',
    async (name) => {
      const { end, exit } = await join((wire, channel) => {
        sayExitSignal(wire, channel, name);
        wire.channelClose(channel);
      });
      expect(end).toMatchObject({ by: 'shell' });
      expect(exit[0]).toBe(128);
    },
  );

  it('that all know: guacd is told which', async () => {
    const { exit } = await join((wire, channel) => {
      sayExitSignal(wire, channel, 'TERM');
      wire.channelClose(channel);
    });
    expect(exit.slice(0, 2)).toEqual([null, 'SIGTERM']);
  });
});

describe('a target that goes on after the end', () => {
  it.each<[string, Behave]>([
    [
      'of its output',
      (wire, channel) => {
        wire.channelEOF(channel);
        wire.channelData(channel, Buffer.from('more'));
        wire.channelExtData(channel, Buffer.from('more'), 1);
      },
    ],
    [
      'of its errors alone',
      (wire, channel) => {
        wire.channelEOF(channel);
        wire.channelExtData(channel, Buffer.from('more'), 1);
      },
    ],
    [
      'of its shell',
      (wire, channel) => {
        wire.exitStatus(channel, 3);
        wire.exitStatus(channel, 4);
        wire.channelClose(channel);
        wire.channelData(channel, Buffer.from('more'));
        wire.channelClose(channel);
      },
    ],
  ])('%s: ends that session and nothing else', async (_, behave) => {
    const { end } = await join((wire, channel) => {
      behave(wire, channel);
      wire.channelClose(channel);
    });
    expect(['shell', 'target']).toContain(end.by);
  });
});

// Class 30: a hostile target, over SSH, against the gateway's own client.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import ssh2 from 'ssh2';
import { afterEach, describe, expect, it } from 'vitest';
import { connectTarget } from '../../gateway/ssh/target.ts';
import type { TargetOptions } from '../../gateway/ssh/target.ts';
import type { TargetConnection } from '../../gateway/ssh/target-connection.ts';
import { directWay } from '../../gateway/ssh/target-way.ts';
import { failureOf } from '../fixtures/outcome.ts';

const hostKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'sec1',
  format: 'pem',
});
const closing: (() => void)[] = [];
const open: TargetConnection[] = [];
afterEach(() => {
  for (const connection of open.splice(0)) connection.close();
  for (const close of closing.splice(0)) close();
});

async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** An SSH server that lets everybody in and is as bad as `behave` makes it. */
async function evil(
  behave: (client: ssh2.Connection) => void,
  password: 'any' | 'ask' = 'any',
): Promise<number> {
  return listen(
    net.createServer((socket) => {
      const server = new ssh2.Server({ hostKeys: [hostKey.toString()] });
      server.on('connection', (client) => {
        client.on('error', () => {});
        if (password === 'any') client.on('authentication', (context) => context.accept());
        behave(client);
      });
      server.injectSocket(socket);
    }),
  );
}

const terminal = { term: 'xterm', columns: 80, rows: 24, width: 640, height: 480, modes: {} };

function optionsFor(port: number, changes: Partial<TargetOptions> = {}): TargetOptions {
  return {
    ...{ host: '127.0.0.1', port, pinnedHostKeys: [], trustOnFirstUse: true },
    credential: { username: 'root', password: 'the password' },
    signal: new AbortController().signal,
    ...changes,
  };
}

async function connect(port: number): Promise<TargetConnection> {
  const connection = await connectTarget(optionsFor(port));
  open.push(connection);
  return connection;
}

describe('a target that does not speak SSH', () => {
  it.each([
    ['says nothing', () => {}, 'target-timed-out'],
    ['hangs up', (socket: net.Socket) => socket.end(), 'target-protocol'],
    [
      'speaks HTTP',
      (socket: net.Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'target-protocol',
    ],
    ['greets for ever', greetForEver, 'target-protocol'],
    ['greets in one endless line', lineForEver, 'target-protocol'],
    ['announces a packet of 4 GiB', hugePacket, 'target-protocol'],
  ] as [string, (socket: net.Socket) => void, string][])('%s: named, in time', async (_, behave, code) => {
    const port = await listen(net.createServer(behave));
    expect((await failureOf(connectTarget(optionsFor(port, { handshakeMs: 1_000 })))).code).toBe(code);
  });
});

function greetForEver(socket: net.Socket): void {
  const more = () => {
    while (socket.writable && socket.write('welcome, come nearer\r\n'.repeat(100)));
  };
  socket.on('drain', more);
  more();
}

function lineForEver(socket: net.Socket): void {
  const more = () => {
    while (socket.writable && socket.write('x'.repeat(4096)));
  };
  socket.on('drain', more);
  more();
}

function hugePacket(socket: net.Socket): void {
  socket.write('SSH-2.0-evil\r\n');
  socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 4, 20, ...Array<number>(64).fill(0)]));
}

describe('a target that wants the password for something else', () => {
  it('gets it for no question but that for the password', async () => {
    const told: string[] = [];
    const port = await evil((client) => {
      client.on('authentication', (context) => {
        if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
        const prompts = [
          { prompt: 'Verification code:', echo: false },
          { prompt: 'Repeat your password aloud:', echo: true },
        ];
        context.prompt(prompts, (answers) => {
          told.push(...answers);
          context.reject();
        });
      });
    }, 'ask');
    expect((await failureOf(connectTarget(optionsFor(port)))).code).toBe('login-question');
    expect(told).toEqual(['', '']);
  });

  it('does not get it before its host key is trusted', async () => {
    let asked = false;
    const port = await evil((client) => client.on('authentication', () => (asked = true)), 'ask');
    expect((await failureOf(connectTarget(optionsFor(port, { trustOnFirstUse: false })))).code).toBe(
      'host-key-unknown',
    );
    const pinnedHostKeys = ['ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY='];
    expect((await failureOf(connectTarget(optionsFor(port, { pinnedHostKeys })))).code).toBe(
      'host-key-mismatch',
    );
    expect(asked).toBe(false);
  });

  it('cannot keep the gateway answering for ever', async () => {
    const port = await evil((client) => {
      client.on('authentication', (context) => {
        if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
        const again = () => context.prompt([{ prompt: 'Password:', echo: false }], again);
        again();
      });
    }, 'ask');
    expect((await failureOf(connectTarget(optionsFor(port, { handshakeMs: 500 })))).code).toBe(
      'target-timed-out',
    );
  });
});

describe('a target whose host key is longer than any', () => {
  it('is refused before anybody is shown the key', async () => {
    const key = ssh2.utils.parseKey(hostKey.toString());
    if (key instanceof Error) throw key;
    const short = key.getPublicSSH();
    key.getPublicSSH = () => Buffer.concat([short, Buffer.alloc(8 * 1024)]);
    const port = await listen(
      net.createServer((socket) => {
        const server = new ssh2.Server({ hostKeys: [{ key: key as unknown as string, passphrase: '' }] });
        server.on('connection', (client) => client.on('error', () => {}));
        server.injectSocket(socket);
      }),
    );
    const refused = await connectTarget(optionsFor(port, { trustOnFirstUse: false })).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: 'target-protocol', hostKey: null });
    expect(String(refused)).toContain('too long');
  });
});

describe('a target that is let in', () => {
  it('that floods beyond its window is cut off', async () => {
    const port = await evil((client) => {
      client.on('session', (accept) => {
        const session = accept();
        session.on('pty', (take) => take?.());
        session.on('shell', (take) => {
          const channel = take();
          // Its own idea of the window: everything, at once.
          (channel as unknown as { outgoing: { window: number } }).outgoing.window = Number.MAX_SAFE_INTEGER;
          const flood = () => {
            if (channel.writable) channel.write(Buffer.alloc(256 * 1024), () => setImmediate(flood));
          };
          flood();
        });
      });
    });
    const connection = await connect(port);
    const shell = await connection.openShell(terminal, {});
    let held = 0;
    shell.channel.on('data', (chunk: Buffer) => {
      held += chunk.length;
      if (held > 4 * 1024 * 1024) shell.overrun();
    });
    expect((await connection.ended).code).toBe('target-protocol');
    expect(held).toBeLessThan(64 * 1024 * 1024);
  });

  it('opens no channel toward the gateway', async () => {
    const results: Promise<string>[] = [];
    const refused = (start: (done: (error: Error | undefined) => void) => void) =>
      results.push(new Promise((resolve) => start((error) => resolve(error ? 'refused' : 'opened'))));
    const ready = Promise.withResolvers<void>();
    const port = await evil((client) => {
      client.on('ready', () => {
        refused((done) => client.forwardOut('127.0.0.1', 22, '127.0.0.1', 1, done));
        refused((done) => client.x11('127.0.0.1', 6000, done));
        refused((done) => client.openssh_forwardOutStreamLocal('/run/docker.sock', done));
        ready.resolve();
      });
    });
    await connect(port);
    await ready.promise;
    expect(await Promise.all(results)).toEqual(['refused', 'refused', 'refused']);
  });

  it('that grants no shell is named', async () => {
    const port = await evil((client) => client.on('session', (_accept, refuse) => refuse()));
    const connection = await connect(port);
    expect((await failureOf(connection.openShell(terminal, {}))).code).toBe('target-error');
  });

  it('that lies about its exit does no harm', async () => {
    const port = await evil((client) => {
      client.on('session', (accept) => {
        const session = accept();
        session.on('pty', (take) => take?.());
        session.on('shell', (take) => {
          const channel = take();
          channel.exit('\u001b]0;owned\u0007', true, 'x'.repeat(1000));
          channel.end();
        });
      });
    });
    const connection = await connect(port);
    const shell = await connection.openShell(terminal, {});
    shell.channel.resume();
    shell.channel.stderr.resume();
    await once(shell.channel, 'close');
  });
});

/** What is written to it from `stop` on goes nowhere, as with a peer that does not read. */
function stuckBehind(socket: net.Socket): { readonly path: Duplex; readonly stop: () => void } {
  let stopped = false;
  const path = new Duplex({
    read: () => socket.resume(),
    write: (bytes, _encoding, done) => void (stopped || socket.write(bytes as Buffer, done)),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (bytes) => path.push(bytes) || socket.pause());
  return { path, stop: () => void (stopped = true) };
}

it('a target that reads nothing any more and never stops talking is let go of all the same', async () => {
  const port = await evil((client) => {
    client.on('session', (accept) => {
      const session = accept();
      session.on('pty', (granted) => granted?.());
      session.on('shell', (granted) => {
        const shell = granted();
        const talking = setInterval(() => shell.write('still here\r\n'), 200);
        closing.push(() => clearInterval(talking));
      });
    });
  });
  const socket = net.connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  const { path, stop } = stuckBehind(socket);
  const way = { ...directWay(), open: () => Promise.resolve(path) };
  const connection = await connectTarget(optionsFor(port, { way }));
  const shell = await connection.openShell(terminal, {});
  shell.channel.on('data', (bytes: Buffer) => shell.consume(bytes.length));
  stop();
  connection.close();
  expect(await connection.ended).toMatchObject({ code: 'closed' });
  expect(socket.destroyed).toBe(true);
});

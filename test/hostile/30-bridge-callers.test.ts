// Class 30, and other programs on the gateway host: the bridge takes guacd and nobody else.
import { once } from 'node:events';
import net from 'node:net';
import ssh2 from 'ssh2';
import { afterEach, describe, expect, it } from 'vitest';
import { Bridge } from '../../gateway/ssh/bridge.ts';
import { SessionFailure } from '../../gateway/terminal/failure.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function bridge(loginMs?: number): Promise<Bridge> {
  const made = await Bridge.open({ signal: new AbortController().signal, ...(loginMs && { loginMs }) });
  closing.push(() => made.close());
  return made;
}

/** Logs in; gives the client, or how it ended. */
async function call(
  to: Bridge,
  login: { username?: string; password?: string } = {},
): Promise<ssh2.Client | 'refused'> {
  const client = new ssh2.Client();
  closing.push(() => client.destroy());
  const over = new Promise<'refused'>((resolve) => {
    client.on('error', () => resolve('refused'));
    client.on('close', () => resolve('refused'));
  });
  const ready = once(client, 'ready').then(
    () => client,
    () => 'refused' as const,
  );
  client.connect({
    host: '127.0.0.1',
    port: to.port,
    username: to.username,
    password: to.password,
    ...login,
  });
  return Promise.race([ready, over]);
}

async function admitted(to: Bridge): Promise<ssh2.Client> {
  const client = await call(to);
  if (client === 'refused') throw new Error('guacd was refused');
  return client;
}

function shellOf(client: ssh2.Client): Promise<ssh2.ClientChannel> {
  return new Promise((resolve, reject) => {
    client.shell({ term: 'xterm', cols: 90, rows: 30 }, (error, channel) =>
      error ? reject(error) : resolve(channel),
    );
  });
}

describe('the bridge', () => {
  it('listens on loopback only, with a password and a host key of its own each time', async () => {
    const [one, two] = await Promise.all([bridge(), bridge()]);
    expect(one.password).toMatch(/^[\w-]{43}$/);
    expect(one.password).not.toBe(two.password);
    expect(one.knownHost('127.0.0.1')).toMatch(/^\[127\.0\.0\.1\]:\d+ ecdsa-sha2-nistp256 [\w+/=]+$/);
    expect(one.knownHost('x').split(' ')[2]).not.toBe(two.knownHost('x').split(' ')[2]);
  });

  it('shows the host key that it told guacd to pin', async () => {
    const made = await bridge();
    const client = new ssh2.Client();
    closing.push(() => client.destroy());
    const shown = new Promise<string>((resolve) =>
      client.connect({
        ...{ host: '127.0.0.1', port: made.port, username: made.username, password: made.password },
        hostVerifier: (key: Buffer) => (resolve(key.toString('base64')), true),
      }),
    );
    client.on('error', () => {});
    expect(made.knownHost('127.0.0.1')).toContain(await shown);
  });

  it('hangs up on a wrong password, and still takes guacd', async () => {
    const made = await bridge();
    expect(await call(made, { password: 'guess' })).toBe('refused');
    expect(await call(made, { password: '' })).toBe('refused');
    expect(await call(made, { username: 'root' })).toBe('refused');
    await admitted(made);
  });

  it('takes no second client, not even one with the password', async () => {
    const made = await bridge();
    const waiting = net.connect(made.port, '127.0.0.1');
    await once(waiting, 'connect');
    waiting.on('error', () => {}).resume();
    const gone = once(waiting, 'close');
    await admitted(made);
    await gone;
    expect(await call(made)).toBe('refused');
  });

  it('is not kept from guacd by callers that say nothing', async () => {
    const made = await bridge();
    const idle = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const socket = net.connect(made.port, '127.0.0.1').on('error', () => {});
        await once(socket, 'connect');
        return socket;
      }),
    );
    await admitted(made);
    for (const socket of idle) socket.destroy();
  });

  it('opens one terminal with a shell and nothing else', async () => {
    const made = await bridge();
    const client = await admitted(made);
    const refused = (start: (done: (error: Error | undefined) => void) => void) =>
      new Promise<string>((resolve) => start((error) => resolve(error ? 'refused' : 'opened')));
    expect(await refused((done) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', 22, done))).toBe('refused');
    expect(await refused((done) => client.forwardIn('127.0.0.1', 0, done))).toBe('refused');
    const channel = await shellOf(client);
    expect(await refused((done) => client.exec('id', done))).toBe('refused');
    expect(await refused((done) => client.sftp(done))).toBe('refused');
    expect(await shellOf(client).catch(() => 'refused')).toBe('refused');
    const shell = await made.shell;
    expect(shell.terminal).toMatchObject({ columns: 90, rows: 30, term: 'xterm' });
    channel.close();
  });

  it('does not run a command in place of a shell', async () => {
    const made = await bridge();
    const client = await admitted(made);
    await expect(
      new Promise((resolve, reject) => client.exec('id', (e, c) => (e ? reject(e) : resolve(c)))),
    ).rejects.toThrow();
  });

  it('hands on locale and time zone, and no other environment', async () => {
    const made = await bridge();
    const client = await admitted(made);
    const env = {
      LANG: 'C.UTF-8',
      LC_TIME: 'C',
      TZ: 'UTC',
      LD_PRELOAD: '/tmp/x.so',
      PATH: '/tmp',
      LC_ALL: 'x'.repeat(999),
    };
    client.shell({ term: 'xterm' }, { env }, () => {});
    expect((await made.shell).environment).toEqual({ LANG: 'C.UTF-8', LC_TIME: 'C', TZ: 'UTC' });
  });

  it('waits for guacd no longer than told', async () => {
    const made = await bridge(50);
    const failure: unknown = await made.shell.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SessionFailure);
  });
});

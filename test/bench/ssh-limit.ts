// The limit that a session can be measured against: a bare SSH client on the same target, in the same run.
import { once } from 'node:events';
import { Client, type ClientChannel } from 'ssh2';
import type { SshTarget } from '../fixtures/ssh-target.ts';

/** Milliseconds from TCP connect to the first byte of the shell. */
export async function measureLogin(target: SshTarget): Promise<number> {
  const started = performance.now();
  const { client } = await openShell(target);
  const elapsed = performance.now() - started;
  client.end();
  return elapsed;
}

/** Milliseconds from a key to its echo, `count` times on one connection. */
export async function measureEcho(target: SshTarget, count: number): Promise<number[]> {
  const { client, shell } = await openShell(target);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    shell.write('x');
    await once(shell, 'data');
    times.push(performance.now() - started);
  }
  client.end();
  return times;
}

async function openShell({
  host,
  port,
  username,
  password,
}: SshTarget): Promise<{ client: Client; shell: ClientChannel }> {
  const client = new Client();
  client.once('connect', () => client.setNoDelay(true)); // as the gateway does; Nagle would cost 40 ms a key
  client.connect({ host, port, username, password });
  await once(client, 'ready');
  const shell = await new Promise<ClientChannel>((resolve, reject) => {
    client.shell((error, channel) => (error ? reject(error) : resolve(channel)));
  });
  await once(shell, 'data');
  return { client, shell };
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import ssh2 from 'ssh2';
import type { ConnectConfig } from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SshTarget } from '../../fixtures/ssh-target.ts';
import { startSshTarget } from '../../fixtures/ssh-target.ts';

/** What `command` prints there. */
async function run(target: SshTarget, login: ConnectConfig, command: string): Promise<string> {
  // What comes after the answer, such as a reset at the end, has nobody who waits for it.
  const client = new ssh2.Client().on('error', () => undefined);
  const keyboard = (
    _name: string,
    _text: string,
    _language: string,
    prompts: unknown[],
    answer: (all: string[]) => void,
  ) => answer(prompts.map(() => target.password));
  client.on('keyboard-interactive', keyboard);
  client.connect({ host: target.host, port: target.port, username: target.username, ...login });
  try {
    await once(client, 'ready');
    return await output(client, command);
  } finally {
    client.end();
  }
}

function output(client: ssh2.Client, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, stream) => {
      if (error) return reject(error);
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('close', () => resolve(text));
    });
  });
}

describe.runIf(process.getuid?.() === 0)('the sshd of demo and tests', () => {
  let target: SshTarget;

  beforeAll(async () => {
    target = await startSshTarget();
  });
  afterAll(() => target.stop());

  test('lets its account in with the password, as nobody special', async () => {
    const said = await run(target, { password: target.password }, 'id -un; touch made; id -u');
    const [name, uid] = said.trim().split('\n');
    expect(name).toBe(target.username);
    expect(Number(uid)).toBeGreaterThan(0);
    expect(target.homeFile('made')).toBe('');
  });

  test('refuses a wrong password', async () => {
    await expect(run(target, { password: `${target.password}x` }, 'true')).rejects.toThrow(/authentication/);
  });

  test.each(['ed25519', 'ecdsa', 'rsa', 'rsaPem', 'locked'] as const)(
    'lets its account in with the key %s',
    async (name) => {
      const login = {
        privateKey: target.keys[name].privateKey,
        ...(name === 'locked' && { passphrase: target.passphrase }),
      };
      expect(await run(target, login, 'echo in')).toBe('in\n');
    },
  );

  test('names no algorithms: it is as strict as the installed OpenSSH', () => {
    const config = readFileSync(`${target.keys.rsa.file.replace(/[^/]+$/, '')}sshd_config`, 'utf8');
    expect(config).not.toMatch(/Algorithms|Ciphers|MACs/);
    expect(config).toMatch(/^ListenAddress 127\.0\.0\.1$/m);
  });

  test('asks by keyboard-interactive when told so', async () => {
    const other = await startSshTarget({ passwords: 'interactive' });
    try {
      expect(await run(other, { tryKeyboard: true }, 'echo in')).toBe('in\n');
      await expect(run(other, { password: other.password }, 'true')).rejects.toThrow(/authentication/);
    } finally {
      await other.stop();
    }
  });

  test('stops with its sessions and leaves neither account nor home', async () => {
    const other = await startSshTarget();
    const client = new ssh2.Client().on('error', () => undefined);
    client.connect({
      host: other.host,
      port: other.port,
      username: other.username,
      password: other.password,
    });
    await once(client, 'ready');
    client.shell(() => undefined);
    const closed = new Promise<void>((resolve) => client.on('close', () => resolve()));
    await other.stop();
    await closed;
    expect(existsSync(other.home)).toBe(false);
    expect(readFileSync('/etc/passwd', 'utf8')).not.toContain(`${other.username}:`);
  });

  test('a second demo on the machine gets an account of its own', async () => {
    const { freeAccountName } = await import('../../../scripts/demo/account.ts');
    const folder = target.home.replace(/\/home$/, '');
    expect(await freeAccountName(target.username, folder)).toBe(target.username);
    expect(await freeAccountName(target.username, `${folder}-other`)).toBe(`${target.username}-2`);
    expect(await freeAccountName('daemon', folder)).toBe('daemon-2');
  });

  test('does not touch an account of that name that is not its own', async () => {
    const { prepareAccount, removeAccount } = await import('../../../scripts/demo/account.ts');
    writeFileSync(`${target.home}/folder`, '');
    await expect(prepareAccount('daemon', target.home)).rejects.toThrow(/not Sallyport's own/);
    await removeAccount('daemon');
    expect(readFileSync('/etc/passwd', 'utf8')).toMatch(/^daemon:/m);
  });
});

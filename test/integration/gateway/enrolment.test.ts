import { chmod, readFile, stat } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../../../gateway/config.ts';
import { enrol } from '../../../gateway/enrolment/enrol.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { newUid } from '../../../protocol/uid.ts';
import { Installation } from '../../fakes/installation.ts';

const target = { host: '127.0.0.1', port: 22, username: 'ada', password: 'unused' };
const program = join(import.meta.dirname, '../../../gateway/main.ts');

let made: Installation;
beforeEach(async () => void (made = await Installation.make(target)));
afterEach(() => made.stop());

async function runProgram(args: string[], environment: Record<string, string> = {}, stdin = '') {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...environment } });
  child.stdin.end(stdin);
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('exit', resolve)),
  ]);
  return { out, err, code };
}

const attempt = (changes: { token?: string } = {}) =>
  enrol({
    server: made.router.url,
    token: made.enrolmentToken,
    file: made.configFile,
    certificateAuthority: null,
    signal: AbortSignal.timeout(60_000),
    ...changes,
  });

describe('enrolment by one-time token', () => {
  test('writes a private configuration that pins what the sealed record says', async () => {
    await made.enrol();
    expect((await stat(made.configFile)).mode & 0o777).toBe(0o600);
    const config = parseConfig(await readFile(made.configFile, 'utf8'));
    expect(config.gatewayUid).toBe(made.gatewayUid);
    expect(config.organisationKey).toEqual(made.organisation.signer.publicKey);
    expect(config.appKey).toEqual(made.appKey);
    expect(signerOf(config.privateKey).publicKey).toEqual(made.router.client?.publicKey);
  });

  test('with a server of another identity is refused before the token is shown', async () => {
    const other = await Installation.make(target);
    try {
      const shown = enrol({
        server: other.router.url,
        token: made.enrolmentToken,
        file: made.configFile,
        certificateAuthority: null,
        signal: AbortSignal.timeout(60_000),
      });
      await expect(shown).rejects.toThrow('not the server that the token was made by');
      expect(other.router.client?.publicKey).toBeNull();
    } finally {
      await other.stop();
    }
  });

  test('with a token that was used by another machine says so', async () => {
    await made.enrol();
    await expect(
      enrol({
        server: made.router.url,
        token: made.enrolmentToken,
        file: join(made.folder, 'other', 'gateway.json'),
        certificateAuthority: null,
        signal: AbortSignal.timeout(60_000),
      }),
    ).rejects.toThrow('used already');
  });

  test('that broke off after the token was used goes on with the same token', async () => {
    const configuration = made.router.records.get(made.configurationUid);
    made.router.records.delete(made.configurationUid);
    await expect(attempt()).rejects.toThrow('does not give the configuration record');
    if (configuration) made.router.records.set(made.configurationUid, configuration);
    expect((await attempt()).appKey).toEqual(made.appKey);
  });

  test('refuses a configuration record that names another gateway', async () => {
    await made.putConfiguration({ controllerUid: newUid() });
    await expect(attempt()).rejects.toThrow('names another gateway');
  });

  test('refuses a configuration record that was moved from another record', async () => {
    const machine = made.router.records.get(made.machineUid);
    if (machine)
      made.router.records.set(made.configurationUid, { ...machine, recordUid: made.configurationUid });
    await expect(attempt()).rejects.toThrow();
  });

  test('does not overwrite an enrolled machine', async () => {
    await made.enrol();
    await expect(attempt()).rejects.toThrow('is there already');
  });
});

describe('the program', () => {
  test('enrols with the token from the environment and says what it pinned, without a secret', async () => {
    const environment = { SALLYPORT_GATEWAY_TOKEN: made.enrolmentToken };
    const args = ['enrol', '--server', made.router.url, '--config', made.configFile];
    const { out, err, code } = await runProgram(args, environment);
    expect({ err, code }).toEqual({ err: '', code: 0 });
    expect(out).toContain(made.organisation.uid);
    expect(out).toContain(made.gatewayUid);
    const stored = JSON.parse(await readFile(made.configFile, 'utf8')) as Record<string, string>;
    for (const name of ['privateKey', 'appKey']) expect(out).not.toContain(stored[name]);
    const info = await runProgram(['info', '--config', made.configFile]);
    expect(info.out).toContain('roster 1');
  });

  test('enrols with the token from standard input', async () => {
    const args = ['enrol', '--server', made.router.url, '--config', made.configFile];
    const { code } = await runProgram(args, {}, `${made.enrolmentToken}\n`);
    expect(code).toBe(0);
  });

  test('refuses a configuration that others can read, naming the fix', async () => {
    await made.enrol();
    await chmod(made.configFile, 0o644);
    const { err, code } = await runProgram(['run', '--config', made.configFile]);
    expect(code).toBe(1);
    expect(err).toContain(`chmod 600 ${made.configFile}`);
  });

  test('runs from a variable, and stops in order on SIGTERM', async () => {
    await made.enrol();
    const inline = Buffer.from(await readFile(made.configFile)).toString('base64');
    const child = spawn(process.execPath, [program], {
      env: { ...process.env, SALLYPORT_GATEWAY_CONFIG: inline, SALLYPORT_GATEWAY_BIND: '127.0.0.1' },
    });
    const log = text(child.stderr);
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await made.router.linked;
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    const lines = (await log)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(lines.at(-1)?.event).toBe('gateway stopped');
    expect(await log).not.toContain(inline);
  });
});

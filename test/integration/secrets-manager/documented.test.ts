// The examples of docs/secrets-manager.md, run as they stand there.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeBase64url } from '../../../protocol/bytes.ts';
import {
  SecretsVault,
  type VaultApplication,
  type VaultSecret,
} from '../../fixtures/secrets/secrets-vault.ts';
import { startTrustedServer, type TrustedServer } from '../../fixtures/secrets/trusted-server.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');
const document = readFileSync(join(root, 'docs/secrets-manager.md'), 'utf8');

let server: TrustedServer;
let vault: SecretsVault;
let application: VaultApplication;
let secret: VaultSecret;
let folder: string;
beforeAll(async () => {
  server = await startTrustedServer();
  vault = await SecretsVault.open(server.server);
  application = await vault.createApplication();
  const password = { type: 'password', value: ['the first password'] };
  secret = await vault.putSecret({ title: 'Database', fields: [password] }, { holders: [application] });
  await vault.share(application, [secret], true);
  folder = mkdtempSync(join(tmpdir(), 'sallyport-documented-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server.close();
});

/** The example whose first line names that file, in a process of its own: what it printed. */
async function runExample(name: string, args: readonly string[], settings: Record<string, string>) {
  const [, code] = new RegExp(`\`\`\`js\n(// ${name}[^]*?)\`\`\``).exec(document) ?? [];
  if (code === undefined) throw new Error(`the document has no ${name}`);
  writeFileSync(join(folder, name), code);
  const env = { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: server.certificate, ...settings };
  const { stdout, stderr } = await run(process.execPath, [name, ...args], { cwd: folder, env });
  expect(stderr).toBe('');
  return stdout.trim();
}

test('a script binds itself with a token, and reads; the configuration that it keeps is enough from then on', async () => {
  const { publicKey, id } = vault.client.serverKey;
  const settings = {
    KSM_TOKEN: encodeBase64url(await vault.addToken(application)),
    KSM_HOSTNAME: new URL(server.server.url).host,
    KSM_SERVER_PUBLIC_KEY: encodeBase64url(publicKey),
    KSM_SERVER_PUBLIC_KEY_ID: String(id),
  };
  expect(await runExample('connect.mjs', [], settings)).toBe(`${secret.uid} Database`);
  expect(await runExample('connect.mjs', [], settings)).toBe(`${secret.uid} Database`);
  const KSM_CONFIG = readFileSync(join(folder, 'ksm-config.json'), 'utf8');
  const rotate = (password: string, config: string) =>
    runExample('rotate.mjs', [secret.uid, password], { KSM_CONFIG: config });
  const device = await vault.addDevice(application);
  const stored = async () => (await device.readOne(secret.uid)).data.fields[0].value[0];
  expect(await rotate('too short', KSM_CONFIG)).toBe('rolled back: the machine wants 12 characters');
  expect(await stored()).toBe('the first password');
  expect(await rotate('the second password', Buffer.from(KSM_CONFIG).toString('base64'))).toBe('rotated');
  expect(await stored()).toBe('the second password');
});

// The policy for sessions that a gateway took, over restarts.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig, sessionPolicyPath } from '../../../gateway/config-source.ts';
import { ConfigError } from '../../../gateway/config.ts';
import { SessionPolicyFile } from '../../../gateway/oversight/session-policy-file.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { limits } from '../../../protocol/limits.ts';
import { signSessionPolicy, type SessionPolicy } from '../../../protocol/signed/session-policy.ts';
import { newUid } from '../../../protocol/uid.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'sallyport-policy-'))));
afterEach(() => rm(folder, { recursive: true }));

const owner = signerOf(generateEcdhKeyPair().privateKey);
const key = generateEcdhKeyPair().publicKey;
const overseer = () => ({ accountUid: newUid(), signingKey: key, watch: true, end: true });

async function signed(overseers: SessionPolicy['overseers'] = []) {
  return await signSessionPolicy(owner, {
    ...{ gatewayUid: newUid(), gatewayKey: key, ownerUid: newUid(), version: 1, overseers },
    ...{ silent: false, listedEndOnly: false, signedAtMs: 0, gatewayName: 'Büro' },
  });
}

test('what was kept is there in the next run, the largest that there may be too', async () => {
  const path = join(folder, 'gateway.sessions.json');
  const file = await SessionPolicyFile.open(path);
  expect(file.signed).toBe(null);
  await file.keep(await signed());
  const largest = await signed(Array.from({ length: limits.oversight.overseers }, overseer));
  await file.keep(largest);
  expect((await SessionPolicyFile.open(path)).signed).toEqual(largest);
});

test('more people than a policy names, and somebody twice, are refused', async () => {
  const many = Array.from({ length: limits.oversight.overseers + 1 }, overseer);
  await expect(signed(many)).rejects.toMatchObject({ name: 'too-large' });
  const one = overseer();
  await expect(signed([one, one])).rejects.toMatchObject({ name: 'malformed' });
});

test.each(['', '{}', '{"sessionPolicy":""}', '{"sessionPolicy":"AAAA"}', 'null'])(
  'a damaged file is an error that names it: %s',
  async (text) => {
    const path = join(folder, 'gateway.sessions.json');
    await writeFile(path, text, { mode: 0o600 });
    await expect(SessionPolicyFile.open(path)).rejects.toThrow(ConfigError);
    await expect(SessionPolicyFile.open(path)).rejects.toThrow(/gateway\.sessions\.json: is damaged/);
  },
);

test('a disk that takes nothing leaves what counted before', async () => {
  const path = join(folder, 'gateway.sessions.json');
  const file = await SessionPolicyFile.open(path);
  const first = await signed();
  await file.keep(first);
  await rm(folder, { recursive: true });
  await writeFile(folder, ''); // no folder any more
  await expect(file.keep(await signed())).rejects.toThrow();
  expect(file.signed).toEqual(first);
});

test('it is beside what the gateway saw, and nowhere without that', async () => {
  expect(sessionPolicyPath('/x/gateway.versions.json')).toBe('/x/gateway.sessions.json');
  await expect(loadConfig({}, join(folder, 'none.json'))).rejects.toThrow('enrol this gateway first');
  const file = await SessionPolicyFile.open(null);
  const policy = await signed();
  await file.keep(policy);
  expect(file.signed).toEqual(policy);
  expect(await readFile(folder).catch(() => null)).toBe(null);
});

// Attack class 8: ciphertext that can be changed, cut, lengthened, replayed or moved without its reader noticing.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { concat, copy, encodeBase64, parseUtf8, utf8, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../protocol/crypto/ecies.ts';
import { openEnvelope, sealEnvelope } from '../../protocol/crypto/envelope.ts';
import { hmacSha256 } from '../../protocol/crypto/hash.ts';
import { purposes } from '../../protocol/crypto/labels.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { openBitwardenString } from '../../protocol/foreign-vaults/bitwarden-crypto.ts';
import { sealSecretsManagerRequest } from '../../protocol/secrets-manager/request.ts';
import { openApplicationCopy, sealApplicationCopy } from '../../protocol/session/application-copy.ts';
import { SessionKeys } from '../../protocol/session/session-keys.ts';
import { acceptLink, openLink } from '../../protocol/transmission/link-channel.ts';
import { openRequest, sealRequest } from '../../protocol/transmission/request.ts';
import { newUid } from '../../protocol/uid.ts';
import { openWireRequest } from '../../server/secrets-manager/wire-request.ts';

const root = join(import.meta.dirname, '../..');
const pair = generateEcdhKeyPair();
const server = { id: 20, ...pair };
const key = await SymmetricKey.import(randomBytes(32));
const scope = { sessionUid: newUid(), recordUid: newUid(), gatewayUid: newUid() };
const binding = {
  recordUid: scope.recordUid,
  applicationUid: newUid(),
  ownerUid: newUid(),
  revision: 1,
  keyVersion: 1,
};
const secret = utf8('the secret of this test');

interface Format {
  readonly sealed: Bytes;
  /** Throws when the reader notices. */
  readonly open: (bytes: Bytes) => Promise<unknown>;
}

async function formats(): Promise<Readonly<Record<string, Format>>> {
  const raw = randomBytes(32);
  const seed = randomBytes(32);
  const nonce = randomBytes(16);
  const copyKey = randomBytes(32);
  const vault = await SessionKeys.derive('vault', scope, seed, nonce);
  const request = await sealRequest(server, 'A/B', () => Promise.resolve(secret));
  const answer = await (await openRequest([server], 'A/B', request.body)).sealResponse(secret);
  const link = await openLink(server);
  const legacy = await sealSecretsManagerRequest(server, raw, { clientVersion: 'x', clientId: 'y' });
  const headers = Object.fromEntries(Object.entries(legacy.headers).map(([n, v]) => [n.toLowerCase(), v]));
  const content = { type: 'login', title: 't', fields: [] };
  return {
    envelope: {
      sealed: await sealEnvelope(key, purposes.recordData, ['a'], secret),
      open: (bytes) => openEnvelope(key, purposes.recordData, ['a'], bytes),
    },
    'key to a person': {
      sealed: await sealToPublicKey(pair.publicKey, 'p', ['a'], secret),
      open: (bytes) => openWithPrivateKey(pair, 'p', ['a'], bytes),
    },
    'API request': { sealed: request.body, open: (bytes) => openRequest([server], 'A/B', bytes) },
    'API response': { sealed: answer, open: (bytes) => request.openResponse(bytes) },
    'link frame': {
      sealed: await link.channel.seal(secret),
      open: async (bytes) => (await acceptLink([server], link.opening)).open(bytes),
    },
    'session signal': {
      sealed: await vault.sealSignal({ case: 'candidate', value: { candidate: 'c', mid: '0' } }),
      open: async (bytes) =>
        (await SessionKeys.derive('gateway', scope, copy(seed), nonce)).openSignal(bytes),
    },
    'application copy': {
      sealed: (
        await sealApplicationCopy(
          { applicationKey: raw, copyKey },
          content,
          binding,
          signerOf(pair.privateKey),
        )
      ).data,
      open: (bytes) => openApplicationCopy(copyKey, bytes),
    },
    'secrets-manager body': {
      sealed: legacy.body,
      open: async (body) => openWireRequest({ headers, body, serverKeys: [server] }),
    },
  };
}

describe.each(Object.entries(await formats()))('%s', (_, { sealed, open }) => {
  test('opens as it was sealed', async () => {
    await open(sealed);
  });

  test('does not open with a bit of any byte changed', async () => {
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.with(at, (sealed[at] ?? 0) ^ (1 << (at & 7)));
      await expect(open(changed), `byte ${at}`).rejects.toThrow();
    }
  });

  test('does not open when it is cut anywhere, or longer', async () => {
    for (let length = 0; length < sealed.length; length++) {
      await expect(open(copy(sealed.subarray(0, length))), `${length} bytes`).rejects.toThrow();
    }
    for (const more of [new Uint8Array(1), new Uint8Array(16), sealed]) {
      await expect(open(concat(sealed, more))).rejects.toThrow();
    }
  });
});

describe('a link in hostile hands', () => {
  async function link(messages: readonly string[]) {
    const { opening, channel } = await openLink(server);
    const reader = await acceptLink([server], opening);
    const frames: Bytes[] = [];
    for (const message of messages) frames.push(await channel.seal(utf8(message)));
    return { frames, reader, sender: channel };
  }

  test.each<[string, (frames: readonly Bytes[]) => (Bytes | undefined)[]]>([
    ['drops a frame', ([a, , c]) => [a, c]],
    ['repeats a frame', ([a]) => [a, a]],
    ['changes the order', ([a, b]) => [b, a]],
    ['puts an empty frame in', ([a, b]) => [a, new Uint8Array(16), b]],
  ])('it %s: the frame does not open, and none after it', async (_, attack) => {
    const { frames, reader } = await link(['one', 'two', 'three']);
    const outcomes = await Promise.allSettled(
      attack(frames).map((frame) => reader.open(frame ?? new Uint8Array(0))),
    );
    const failed = outcomes.findIndex(({ status }) => status === 'rejected');
    expect(failed).toBeGreaterThanOrEqual(0);
    expect(outcomes.slice(failed).every(({ status }) => status === 'rejected')).toBe(true);
  });

  test('it sends a side its own frames back: they do not open', async () => {
    const { frames, sender } = await link(['one']);
    await expect(sender.open(frames[0] ?? new Uint8Array(0))).rejects.toMatchObject({ code: 'open-failed' });
  });

  test('it answers a request with the answer to another: it does not open', async () => {
    const [first, second] = await Promise.all(
      ['1', '2'].map((text) => sealRequest(server, 'A/B', () => Promise.resolve(utf8(text)))),
    );
    const answer = await (await openRequest([server], 'A/B', first!.body)).sealResponse(secret);
    await expect(second!.openResponse(answer)).rejects.toMatchObject({ code: 'open-failed' });
  });
});

describe('a file of another vault whose format is CBC under a MAC', () => {
  const keys = { encryption: randomBytes(32), authentication: randomBytes(32) };

  async function seal(plain: string): Promise<[iv: Bytes, ciphertext: Bytes, mac: Bytes]> {
    const iv = randomBytes(16);
    const key = await crypto.subtle.importKey('raw', keys.encryption, 'AES-CBC', false, ['encrypt']);
    const sealed = await crypto.subtle.encrypt({ name: 'AES-CBC', iv }, key, utf8(plain));
    const ciphertext = new Uint8Array(sealed);
    return [iv, ciphertext, hmacSha256(keys.authentication, concat(iv, ciphertext))];
  }
  const textOf = (type: number, parts: readonly Bytes[]) => `${type}.${parts.map(encodeBase64).join('|')}`;

  test('opens as it was sealed', async () => {
    const opened = await openBitwardenString(keys, textOf(2, await seal('{"items":[]}')));
    expect(parseUtf8(opened)).toBe('{"items":[]}');
  });

  test.each([0, 1, 2])('does not open when a bit of part %i is flipped', async (part) => {
    const parts = await seal('{"items":[]}');
    for (let bit = 0; bit < parts[part]!.length * 8; bit++) {
      const flipped = parts.map((bytes) => copy(bytes));
      flipped[part]![bit >> 3]! ^= 1 << (bit & 7);
      const opening = openBitwardenString(keys, textOf(2, flipped));
      await expect(opening).rejects.toMatchObject({ code: 'open-failed' });
    }
  });

  test('does not open in the form that has no MAC', async () => {
    const [iv, ciphertext] = await seal('{"items":[]}');
    for (const type of [0, 2]) {
      const opening = openBitwardenString(keys, textOf(type, [iv, ciphertext]));
      await expect(opening).rejects.toMatchObject({ code: 'malformed' });
    }
  });
});

test('encryption without authentication is named where a foreign format wants it, and called by nobody else', () => {
  const homes = ['protocol/foreign-vaults/bitwarden-crypto.ts', 'protocol/secrets-manager/legacy-crypto.ts'];
  // Names of folders and keys of subfolders, as clients want them; files in pieces, whose tag it makes and checks.
  const wall = ['protocol/secrets-manager/blob-stream.ts', 'protocol/secrets-manager/secret-seal.ts'];
  const callers: string[] = [];
  for (const folder of ['protocol', 'workers', 'server', 'gateway', 'web']) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!/\.(ts|svelte)$/.test(file)) continue;
      const code = codeOf(readFileSync(join(root, folder, file), 'utf8'));
      if (/AES-C(BC|TR)|aes-\d+-c(bc|tr|fb)|Legacy(Cbc|Counter)\(/i.test(code))
        callers.push(join(folder, file));
    }
  }
  expect(callers.sort()).toEqual([...homes, ...wall].sort());
});

/** What runs: comments may say how bytes were made that pass by. */
function codeOf(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}

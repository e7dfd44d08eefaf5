// A public peer in the same browser: the JavaScript SDK of Keeper's secrets manager, unmodified, opens an answer with as many
// records. It has no snapshot and no lists, so it stands for what a client does that decrypts a vault when it is opened.
import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright';

const script = import.meta
  .resolve('@keeper-security/secrets-manager-core')
  .replace(/index\.cjs\.js$/, 'index.es.js');

/** Milliseconds from the answer to all records in the open, `rounds` times, each record padded to `sizes` bytes. */
export async function measurePeer(
  browser: Browser,
  url: string,
  sizes: readonly number[],
  rounds: number,
): Promise<number[]> {
  const context = await browser.newContext({ bypassCSP: true });
  try {
    const page = await context.newPage();
    await page.goto(url);
    const source = readFileSync(new URL(script), 'utf8');
    return await page.evaluate(openAnswers, { source, sizes, rounds });
  } finally {
    await context.close();
  }
}

interface PeerInput {
  readonly source: string;
  readonly sizes: readonly number[];
  readonly rounds: number;
}

/** The part of the SDK that is used. */
interface PeerSdk {
  initialize(): void;
  getSecrets(options: {
    readonly storage: object;
    readonly queryFunction: (
      url: string,
      transmissionKey: { readonly key: Uint8Array<ArrayBuffer> },
    ) => Promise<{ readonly statusCode: number; readonly headers: object; readonly data: Uint8Array }>;
  }): Promise<{ readonly records: readonly unknown[] }>;
}

/** Runs in the page. */
async function openAnswers({ source, sizes, rounds }: PeerInput): Promise<number[]> {
  const sdk = (await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))) as PeerSdk;
  sdk.initialize();
  const aes = (raw: Uint8Array<ArrayBuffer>) =>
    crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt']);
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const seal = async (key: CryptoKey, plain: Uint8Array<ArrayBuffer>) => {
    const iv = random(12);
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, plain));
    const out = new Uint8Array(12 + sealed.length);
    out.set(iv);
    out.set(sealed, 12);
    return out;
  };
  const text = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  const base64 = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  const appKey = random(32);
  const byApp = await aes(appKey);
  const record = async (length: number, at: number) => {
    const raw = random(32);
    const fill = 'x'.repeat(Math.max(0, length - 11));
    const data = await seal(await aes(raw), text({ fill }));
    const recordKey = base64(await seal(byApp, raw));
    return { recordUid: `record-${at}`, recordKey, data: base64(data), revision: 1, isEditable: false };
  };
  const records: object[] = [];
  for (let at = 0; at < sizes.length; at += 256)
    records.push(
      ...(await Promise.all(sizes.slice(at, at + 256).map((length, i) => record(length, at + i)))),
    );
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const privateKey = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  const answer = text({ records, folders: [], expiresOn: 0 });
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const strings = new Map([
      ['hostname', 'localhost'],
      ['clientId', base64(random(64))],
    ]);
    const keys = new Map<string, Uint8Array>([
      ['appKey', appKey],
      ['privateKey', privateKey],
    ]);
    const storage = {
      getString: (name: string) => Promise.resolve(strings.get(name)),
      saveString: (name: string, value: string) => Promise.resolve(void strings.set(name, value)),
      getBytes: (name: string) => Promise.resolve(keys.get(name)),
      saveBytes: (name: string, value: Uint8Array) => Promise.resolve(void keys.set(name, value)),
      delete: (name: string) => Promise.resolve(void (strings.delete(name), keys.delete(name))),
    };
    let since = 0;
    const { records: opened } = await sdk.getSecrets({
      storage,
      queryFunction: async (_, { key }) => {
        const data = await seal(await aes(key), answer);
        since = performance.now();
        return { statusCode: 200, headers: {}, data };
      },
    });
    times.push(performance.now() - since);
    if (opened.length !== sizes.length) throw new Error(`the peer opened ${opened.length} records`);
  }
  return times;
}

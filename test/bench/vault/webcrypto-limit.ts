// The limit that a first sync can be measured against: the same records decrypted one by one through WebCrypto.
import type { Page } from 'playwright';

/**
 * Milliseconds to unwrap the key of each record and open it, one after another: AES-256-GCM with 12-byte nonces, as the
 * vault seals them, each record padded to `sizes` bytes. Sealing is not counted.
 */
export async function measureOneByOne(page: Page, sizes: readonly number[]): Promise<number> {
  return await page.evaluate(async (lengths) => {
    const usages: KeyUsage[] = ['encrypt', 'decrypt'];
    const dataKey = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, usages);
    const nonce = () => crypto.getRandomValues(new Uint8Array(12));
    const additionalData = new Uint8Array(96);
    const seal = async (length: number) => {
      const raw = crypto.getRandomValues(new Uint8Array(32));
      const key = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, usages);
      const keyNonce = nonce();
      const dataNonce = nonce();
      const text = new TextEncoder().encode(JSON.stringify({ fill: 'x'.repeat(Math.max(0, length - 11)) }));
      return {
        keyNonce,
        dataNonce,
        sealedKey: await crypto.subtle.encrypt(
          { name: 'AES-GCM', iv: keyNonce, additionalData },
          dataKey,
          raw,
        ),
        sealedData: await crypto.subtle.encrypt(
          { name: 'AES-GCM', iv: dataNonce, additionalData },
          key,
          text,
        ),
      };
    };
    const sealed: Awaited<ReturnType<typeof seal>>[] = [];
    for (let at = 0; at < lengths.length; at += 256)
      sealed.push(...(await Promise.all(lengths.slice(at, at + 256).map(seal))));
    const decoder = new TextDecoder();
    const since = performance.now();
    for (const { keyNonce, dataNonce, sealedKey, sealedData } of sealed) {
      const raw = await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv: keyNonce, additionalData },
        dataKey,
        sealedKey,
      );
      const key = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, usages);
      const algorithm = { name: 'AES-GCM', iv: dataNonce, additionalData };
      JSON.parse(decoder.decode(await crypto.subtle.decrypt(algorithm, key, sealedData)));
    }
    return performance.now() - since;
  }, sizes);
}

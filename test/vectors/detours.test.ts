import { expect } from 'vitest';
import { empty, encodeHex, parseHex, utf8 } from '../../protocol/bytes.ts';
import { importEcdhKey } from '../../protocol/crypto/ecdh.ts';
import { agreeOnDetour, type DetourScope } from '../../protocol/session/detour.ts';
import { runVectors } from './cases.ts';
import detours from './detours.json' with { type: 'json' };

interface Detour {
  readonly scope: DetourScope;
  readonly vaultPrivateKey: string;
  readonly vaultPublicKey: string;
  readonly gatewayKey: string;
  readonly binding: string;
  readonly sealed: string[];
  readonly frames: string[];
  readonly opened: string[];
}

runVectors<Detour>('detour', detours, async (vector) => {
  const publicKey = parseHex(vector.vaultPublicKey);
  const privateKey = await importEcdhKey({ publicKey, privateKey: parseHex(vector.vaultPrivateKey) });
  const own = { publicKey, privateKey };
  const channel = await agreeOnDetour('vault', vector.scope, own, parseHex(vector.gatewayKey));
  expect(encodeHex(channel.binding)).toBe(vector.binding);
  const sealed = [await channel.seal(empty), await channel.seal(utf8('typed'))];
  expect(sealed.map(encodeHex)).toEqual(vector.sealed);
  const opened: string[] = [];
  for (const frame of vector.frames) opened.push(encodeHex(await channel.open(parseHex(frame))));
  expect(opened).toEqual(vector.opened);
});

import {
  concat,
  context,
  agree,
  flip,
  gcm,
  hex,
  hkdf,
  keyPair,
  sha256,
  uid,
  uint64,
  utf8,
} from './independent.ts';

const vault = keyPair('detour key of the vault');
const gateway = keyPair('detour key of the gateway');
const stranger = keyPair('detour key of the router');
const names = ['detour session', 'detour gateway', 'detour peer'] as const;
const [session, gatewayUid, peer] = names.map(uid);

/** §14.10: what the vault makes of frames that came from the gateway, from the first on. */
export function detours(): object[] {
  const bindingOf = (attempt = 3, keys = [vault, gateway]) =>
    sha256(
      context(
        ...['sallyport/v1/detour', ...[session, gatewayUid, peer].map((one) => one!.bytes)],
        ...[uint64(attempt), ...keys.map(({ publicKey }) => publicKey)],
      ),
    );
  const binding = bindingOf();
  const keyOf = (direction: string, bound = binding, own = vault, other = gateway) =>
    hkdf(agree(own.privateKey, other.publicKey), bound, context(`sallyport/v1/detour/${direction}`));
  const toVault = keyOf('gateway-to-vault');
  const nonce = (count: number) => concat(new Uint8Array(4), uint64(count));
  const seal = (count: number, text: string, key = toVault, aad = binding) =>
    gcm(key, nonce(count), utf8(text), aad);
  const [hello, first, second] = [seal(0, ''), seal(1, 'first'), seal(2, 'second')];
  const base = {
    scope: Object.fromEntries([
      ...['sessionUid', 'gatewayUid', 'peerUid'].map((name, n) => [
        name,
        [session, gatewayUid, peer][n]?.text,
      ]),
      ['attempt', 3],
    ]),
    vaultPrivateKey: hex(vault.privateKey),
    vaultPublicKey: hex(vault.publicKey),
    gatewayKey: hex(gateway.publicKey),
    binding: hex(binding),
    /** The vault's first frames. */
    sealed: [seal(0, '', keyOf('vault-to-gateway')), seal(1, 'typed', keyOf('vault-to-gateway'))].map(hex),
  };
  const bad = (name: string, frames: readonly Uint8Array[], fails = 'open-failed') => ({
    ...base,
    name,
    frames: frames.map(hex),
    fails,
  });
  const otherTry = bindingOf(4);
  const routers = bindingOf(3, [vault, stranger]);
  return [
    {
      ...base,
      name: 'two frames after the empty one',
      frames: [hello, first, second].map(hex),
      opened: ['', hex(utf8('first')), hex(utf8('second'))],
    },
    bad('without the first frame', [first]),
    bad('a frame left out', [hello, second]),
    bad('a frame twice', [hello, first, first]),
    bad('frames in another order', [hello, second, first]),
    bad('a frame cut short', [hello, first.subarray(0, -1)]),
    bad('a frame with a bit changed', [hello, flip(first, 0)]),
    bad('reflected: the vault’s own first frame', [seal(0, '', keyOf('vault-to-gateway'))]),
    bad('of another attempt of the same peer', [seal(0, '', keyOf('gateway-to-vault', otherTry), otherTry)]),
    bad('under the right keys, for another attempt', [seal(0, '', toVault, otherTry)]),
    bad('of a key that the router put in place of the gateway’s', [
      seal(0, '', keyOf('gateway-to-vault', routers, vault, stranger), routers),
    ]),
    { ...bad('a gateway’s key that is no point', [hello], 'malformed'), gatewayKey: `04${'ff'.repeat(64)}` },
    { ...bad('no gateway’s key', [hello], 'malformed'), gatewayKey: '' },
  ];
}

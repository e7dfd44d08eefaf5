import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  SessionPolicySchema,
  SignedSessionPolicySchema,
} from '../../../protocol/messages/gen/session-policy_pb.js';
import { flip, hex, highS, keyPair, seed, sign, uid } from './independent.ts';

/** §29.1 */
export function sessionPolicies(): object[] {
  const [owner, gateway, watcher, stranger] = [
    keyPair('owner of a gateway'),
    keyPair('gateway device'),
    keyPair('watcher'),
    keyPair('stranger'),
  ];
  const label = 'sallyport/v1/signature/session-policy';
  const named = { accountUid: uid('watcher').bytes, signingKey: watcher.publicKey, watch: true };
  const fields = {
    ...{ gatewayUid: uid('gateway').bytes, gatewayKey: gateway.publicKey, ownerUid: uid('owner').bytes },
    ...{ version: 7n, overseers: [named], silent: true, listedEndOnly: true },
    ...{ signedAtMs: 1_800_000_000_000n, gatewayName: 'Office' },
  };
  const encode = (changes: object = {}) => encodeMessage(SessionPolicySchema, { ...fields, ...changes });
  const wrap = (policy: Uint8Array, signature: Uint8Array) =>
    hex(encodeMessage(SignedSessionPolicySchema, { policy, signature }));
  const signed = (policy: Uint8Array, as = label, by = owner) => ({
    signed: wrap(policy, sign(by.privateKey, as, policy)),
  });
  const policy = encode();
  const base = { ownerKey: hex(owner.publicKey), ...signed(policy) };
  const bad = (name: string, change: object, fails = 'malformed') => ({ ...base, name, ...change, fails });
  const parsed = {
    ...{ gatewayUid: uid('gateway').text, ownerUid: uid('owner').text, gatewayKey: hex(gateway.publicKey) },
    ...{
      version: 7,
      silent: true,
      listedEndOnly: true,
      signedAtMs: 1_800_000_000_000,
      gatewayName: 'Office',
    },
    overseers: [
      { accountUid: uid('watcher').text, signingKey: hex(watcher.publicKey), watch: true, end: false },
    ],
  };
  const good = sign(owner.privateKey, label, policy);
  return [
    { ...base, name: 'one who looks on, unseen', parsed },
    {
      ...base,
      ...signed(encode({ overseers: [], silent: false, listedEndOnly: false, version: 1n })),
      name: 'nobody looks on',
      parsed: { ...parsed, overseers: [], silent: false, listedEndOnly: false, version: 1 },
    },
    bad('signed by another', signed(policy, label, stranger), 'bad-signature'),
    bad('signed as a command', signed(policy, 'sallyport/v1/signature/command'), 'bad-signature'),
    bad('made silent by who carries it', { signed: wrap(encode({ silent: false }), good) }, 'bad-signature'),
    bad('with another version', { signed: wrap(encode({ version: 8n }), good) }, 'bad-signature'),
    bad('with a high s', { signed: wrap(policy, highS(good)) }, 'bad-signature'),
    bad('with a bit flipped', { signed: wrap(policy, flip(good, 5)) }, 'bad-signature'),
    bad('without a signature', { signed: wrap(policy, new Uint8Array(0)) }, 'bad-signature'),
    bad('of version 0', signed(encode({ version: 0n }))),
    bad('of a version that no number holds', signed(encode({ version: 2n ** 60n }))),
    bad('of a time before all', signed(encode({ signedAtMs: -1n }))),
    bad('naming somebody twice', signed(encode({ overseers: [named, { ...named, end: true }] }))),
    bad(
      'naming somebody without a key',
      signed(encode({ overseers: [{ ...named, signingKey: seed('no key', 65) }] })),
    ),
    bad('with no key of a gateway', signed(encode({ gatewayKey: new Uint8Array(0) }))),
    bad('with a name of two lines', signed(encode({ gatewayName: 'Off\nice' }))),
    bad('with a member that nobody knows', signed(Uint8Array.of(...policy, 0x78, 0x01))),
    bad('with a byte after it', { signed: `${base.signed}00` }),
    bad('of nothing', { signed: '' }, 'malformed'),
  ];
}

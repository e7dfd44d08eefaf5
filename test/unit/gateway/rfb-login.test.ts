import { describe, expect, test } from 'vitest';
import { RfbLogin } from '../../../gateway/targets/rfb-login.ts';

type Part = readonly ['target' | 'guacd', string | readonly number[]];

/** One letter at a time: nothing rests on how the network cuts it. */
function outcomeOf(...parts: readonly Part[]): RfbLogin['outcome'] {
  const login = new RfbLogin();
  for (const [from, said] of parts) {
    const bytes = typeof said === 'string' ? new TextEncoder().encode(said) : Uint8Array.from(said);
    for (const byte of bytes)
      if (from === 'target') login.fromTarget(Uint8Array.of(byte));
      else login.fromGuacd(Uint8Array.of(byte));
  }
  return login.outcome;
}

const version = (minor: number): readonly Part[] => [
  ['target', 'RFB 003.008\n'],
  ['guacd', `RFB 003.00${minor}\n`],
];
const secret = Array.from({ length: 16 }, (_, at) => at);
const byPassword: readonly Part[] = [
  ...version(8),
  ['target', [2, 2, 16]],
  ['guacd', [2]],
  ['target', secret],
  ['guacd', secret],
];

describe('a VNC login that is read along', () => {
  test.each([
    ['a password that is right', 'accepted', [...byPassword, ['target', [0, 0, 0, 0]]]],
    ['a password that is wrong', 'refused', [...byPassword, ['target', [0, 0, 0, 1]]]],
    ['too many tries', 'turned-away', [...byPassword, ['target', [0, 0, 0, 2]]]],
    ['no offer at all', 'turned-away', [...version(8), ['target', [0]]]],
    [
      'none needed',
      'accepted',
      [...version(8), ['target', [1, 1]], ['guacd', [1]], ['target', [0, 0, 0, 0]]],
    ],
    ['none needed, by 3.7', 'accepted', [...version(7), ['target', [1, 1]], ['guacd', [1]]]],
    ['refused by 3.3', 'turned-away', [...version(3), ['target', [0, 0, 0, 0]]]],
    ['none needed, by 3.3', 'accepted', [...version(3), ['target', [0, 0, 0, 1]]]],
    [
      'TLS, which hides it',
      null,
      [...version(8), ['target', [1, 18]], ['guacd', [18]], ['target', [0, 0, 0, 1]]],
    ],
    [
      'a repeater',
      null,
      [
        ['target', 'RFB 000.000\n'],
        ['guacd', [...new Array<number>(250).fill(0)]],
      ],
    ],
    [
      'something else',
      null,
      [
        ['target', 'SSH-2.0-OpenSSH'],
        ['guacd', 'RFB 003.008\n'],
      ],
    ],
    ['not yet', null, byPassword],
  ] as const satisfies readonly (readonly [string, RfbLogin['outcome'], readonly Part[]])[])(
    '%s: %s',
    (_, outcome, parts) => expect(outcomeOf(...parts)).toBe(outcome),
  );

  test('who talks without end is not followed, nor kept', () => {
    const login = new RfbLogin();
    login.fromTarget(new TextEncoder().encode('RFB 003.008\n'));
    for (let at = 0; at < 100; at++) login.fromTarget(new Uint8Array(1_000));
    login.fromGuacd(new TextEncoder().encode('RFB 003.008\n'));
    expect(login.outcome).toBeNull();
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../../protocol/bytes.ts';
import { ProtocolError } from '../../../../protocol/errors.ts';
import { parseOneTimeSecret } from '../../../../protocol/records/one-time-secret.ts';
import { oneTimeCode } from '../../../../workers/tools/one-time-code.ts';
import { runs } from '../../../fuzz-runs.ts';
import { hostileText } from '../../protocol/fuzz/mutation.ts';

/** RFC 6238 appendix B: the ASCII secrets of 20, 32 and 64 bytes. */
const secrets = {
  SHA1: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
  SHA256: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA====',
  SHA512:
    'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA',
} as const;
const address = (hash: keyof typeof secrets, more = '&digits=8') =>
  `otpauth://totp/RFC:6238?secret=${secrets[hash]}&algorithm=${hash}${more}`;

describe('codes of RFC 6238', () => {
  test.each([
    [59, '94287082', '46119246', '90693936'],
    [1111111109, '07081804', '68084774', '25091201'],
    [1111111111, '14050471', '67062674', '99943326'],
    [1234567890, '89005924', '91819424', '93441116'],
    [2000000000, '69279037', '90698825', '38618901'],
    [20000000000, '65353130', '77737706', '47863826'],
  ])('at %i', (seconds, sha1, sha256, sha512) => {
    expect(oneTimeCode(address('SHA1'), seconds * 1000).code).toBe(sha1);
    expect(oneTimeCode(address('SHA256'), seconds * 1000).code).toBe(sha256);
    expect(oneTimeCode(address('SHA512'), seconds * 1000).code).toBe(sha512);
  });

  test('shorter codes are the end of the longer ones', () => {
    expect(oneTimeCode(address('SHA1', '&digits=7'), 59_000).code).toBe('4287082');
    expect(oneTimeCode(address('SHA1', ''), 59_000).code).toBe('287082');
  });
});

describe('time', () => {
  const at = (ms: number, more = '') => oneTimeCode(address('SHA1', more), ms);

  test('a code lives from its first millisecond to the last', () => {
    expect(at(30_000).code).toBe(at(59_999).code);
    expect(at(29_999).code).not.toBe(at(30_000).code);
    expect(at(30_000)).toMatchObject({ periodSeconds: 30, secondsLeft: 30 });
    expect(at(59_999).secondsLeft).toBe(1);
  });

  test('another period', () => {
    expect(at(59_999, '&period=60')).toMatchObject({ periodSeconds: 60, secondsLeft: 1 });
    expect(at(0, '&period=60').code).toBe(at(59_999, '&period=60').code);
  });
});

describe('reading', () => {
  test('an address with all its parts', () => {
    const parsed = parseOneTimeSecret(
      'otpauth://totp/ACME%20Co:john@example.com?secret=HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ&issuer=ACME+Co&algorithm=SHA512&digits=7&period=45&image=x&color=red',
    );
    expect(parsed).toMatchObject({
      issuer: 'ACME Co',
      account: 'john@example.com',
      hash: 'SHA512',
      digits: 7,
      periodSeconds: 45,
    });
  });

  test('a bare secret in the groups and case in which sites print it', () => {
    for (const text of ['JBSWY3DPEHPK3PXP', ' jbsw y3dp ehpk 3pxp ', 'JBSW-Y3DP-EHPK-3PXP'])
      expect(parseOneTimeSecret(text)).toEqual({
        secret: Uint8Array.from([...utf8('Hello!'), 0xde, 0xad, 0xbe, 0xef]),
        ...{ hash: 'SHA1', digits: 6, periodSeconds: 30, issuer: '', account: '' },
      });
  });

  test('bits over the last byte do not matter', () => {
    expect(parseOneTimeSecret('MZ').secret).toEqual(parseOneTimeSecret('MY').secret);
  });

  test.each([
    ['nothing', ''],
    ['no secret', 'otpauth://totp/a?issuer=b'],
    ['digits that base32 has not', 'JBSWY3DPEHPK3PX1'],
    ['a cut secret', 'JBSWY3DPE'],
    ['padding in the middle', 'JBSW=Y3D'],
    ['a secret of 129 bytes', 'A'.repeat(207)],
    ['a counted code', 'otpauth://hotp/a?secret=MY&counter=1'],
    ['a kind that is not known', 'otpauth://yaotp/a?secret=MY'],
    ['no kind', 'otpauth://?secret=MY'],
    ['a fragment', 'otpauth://totp/a?secret=MY#x'],
    ['a secret twice', 'otpauth://totp/a?secret=MY&secret=MZ'],
    ['digits twice, in two cases', 'otpauth://totp/a?secret=MY&digits=6&DIGITS=8'],
    ['five digits', 'otpauth://totp/a?secret=MY&digits=5'],
    ['six digits written otherwise', 'otpauth://totp/a?secret=MY&digits=06'],
    ['MD5', 'otpauth://totp/a?secret=MY&algorithm=MD5'],
    ['a period of 0', 'otpauth://totp/a?secret=MY&period=0'],
    ['a period below 0', 'otpauth://totp/a?secret=MY&period=-30'],
    ['a period of a day', 'otpauth://totp/a?secret=MY&period=86400'],
    ['broken escapes', 'otpauth://totp/%E0%A4%A?secret=MY'],
    ['a book', `otpauth://totp/${'a'.repeat(5000)}?secret=MY`],
    ['another scheme', 'https://example.org/?secret=MY'],
  ])('%s is refused', (_name, text) => {
    expect(() => parseOneTimeSecret(text)).toThrow(expect.objectContaining({ name: 'malformed' }));
  });

  test.each([
    'steam://JBSWY3DPEHPK3PXP',
    'otpauth://totp/Steam:ada?secret=MY',
    'otpauth://totp/a?secret=MY&encoder=steam',
  ])('Steam is refused by name: %s', (text) => {
    expect(() => parseOneTimeSecret(text)).toThrow('steam codes are not supported');
  });

  test('whatever comes, a code or a refusal that repeats nothing of it', () => {
    const valid = [
      address('SHA1'),
      'JBSWY3DPEHPK3PXP',
      'otpauth://totp/a:b?secret=MY&digits=6&period=30&issuer=c',
    ];
    fc.assert(
      fc.property(hostileText(valid), fc.nat(4e12), (text, now) => {
        try {
          expect(oneTimeCode(text, now).code).toMatch(/^\d{6,8}$/);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          expect(error.message).not.toContain('JBSWY');
        }
      }),
      { numRuns: runs(2000) },
    );
  });
});

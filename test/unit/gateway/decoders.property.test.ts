import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError, parseConfig, parseServer } from '../../../gateway/config.ts';
import { parseOffer } from '../../../gateway/media/offer.ts';
import { Scrubber } from '../../../protocol/log/scrubber.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { runs } from '../../fuzz-runs.ts';

/** Whatever comes in: a value, or the one error that the decoder promises. */
function holds(decode: () => unknown, promised: new (...args: never[]) => Error): void {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(promised);
  }
}

const line = fc.oneof(
  fc.constantFrom(
    'v=0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => '0F').join(':')}`,
    'a=fingerprint:sha-1 00',
    'a=setup:actpass',
  ),
  fc.string(),
);

describe('decoders of the gateway, fed anything', () => {
  test('an offer is taken only with one section and one fingerprint', () => {
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\r\n', '\n'), (lines, end) => {
        const sdp = lines.join(end);
        holds(() => {
          const { fingerprint } = parseOffer(sdp);
          expect(sdp.match(/fingerprint/gi)).toHaveLength(1);
          expect(sdp.toUpperCase()).toContain(fingerprint);
        }, ProtocolError);
      }),
      { numRuns: runs(2_000) },
    );
  });

  test('a configuration is read or refused by the name of a key', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => holds(() => parseConfig(text), ConfigError)),
      { numRuns: runs(1_000) },
    );
  });

  test('a server address is an origin, or refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl()), (text) =>
        holds(() => {
          const origin = parseServer(text);
          expect(new URL(origin).origin).toBe(origin);
        }, ConfigError),
      ),
      { numRuns: runs(1_000) },
    );
  });

  test('no text shows a secret in use, whatever stands around it', () => {
    const secret = fc.string({ minLength: 8, maxLength: 40 });
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
        const scrubber = new Scrubber();
        scrubber.hold(value);
        const form = (text: string) => scrubber.scrub(text);
        expect(form(`${before}${value}${after}`)).not.toContain(value);
        const inBase64 = Buffer.from(`${before}${value}${after}`).toString('base64');
        expect(Buffer.from(form(inBase64), 'base64').toString()).not.toContain(value);
      }),
      { numRuns: runs(1_000) },
    );
  });
});

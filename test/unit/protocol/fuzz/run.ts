import fc from 'fast-check';
import { describe, test } from 'vitest';
import { ProtocolError } from '../../../../protocol/errors.ts';
import { byteDecoders, jsonDecoders, textDecoders, type Decoder } from './decoders.ts';
import { hostileBytes, hostileJson, hostileText } from './mutation.ts';
import { organisationDecoders, organisationTextDecoders } from './organisation-decoders.ts';
import { recordingDecoders } from './recording-decoders.ts';
import { remoteFileDecoders } from './remote-file-decoders.ts';
import { recoveryDecoders } from './recovery-decoders.ts';
import { moreJsonDecoders, moreTextDecoders, sealedDecoders } from './sealed-decoders.ts';
import { secretDecoders } from './secret-decoders.ts';
import { sessionShareDecoders } from './session-share-decoders.ts';
import { sealedTextDecoders, sharingDecoders } from './sharing-decoders.ts';
import { wayDecoders } from './way-decoders.ts';

/** Runs every decoder of the protocol on hostile input: it may return or throw a ProtocolError, and nothing else. */
export function fuzzDecoders(runs: number): void {
  describe('bytes', () =>
    fuzz(
      [
        ...[...byteDecoders, ...sharingDecoders, ...organisationDecoders],
        ...[...recordingDecoders, ...recoveryDecoders, ...remoteFileDecoders, ...sealedDecoders],
        ...[...secretDecoders, ...sessionShareDecoders, ...wayDecoders],
      ],
      hostileBytes,
      runs,
    ));
  describe('texts', () =>
    fuzz(
      [...textDecoders, ...sealedTextDecoders, ...organisationTextDecoders, ...moreTextDecoders],
      hostileText,
      runs,
    ));
  describe('json', () =>
    fuzz([...jsonDecoders, ...moreJsonDecoders], (valid) => hostileJson(valid as object[]), runs));
}

/** Runs each of these decoders so. */
export function fuzz<T>(
  decoders: readonly Decoder<T>[],
  hostile: (v: readonly T[]) => fc.Arbitrary<T>,
  runs: number,
) {
  test.each([...decoders])('$name', async ({ valid, decode, cost = 1 }) => {
    const property = fc.asyncProperty(hostile(valid), async (input) => {
      try {
        await decode(input);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    });
    await fc.assert(property, { numRuns: Math.ceil(runs / cost) });
  });
}

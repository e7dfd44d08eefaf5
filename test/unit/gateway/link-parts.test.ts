import { describe, expect, test } from 'vitest';
import { BackOff } from '../../../gateway/router/back-off.ts';
import { ReplayLog } from '../../../gateway/router/replay-log.ts';
import { parseOffer } from '../../../gateway/media/offer.ts';
import { limits } from '../../../protocol/limits.ts';

describe('back-off', () => {
  test('doubles from one second to thirty, with full jitter', () => {
    const most = new BackOff(() => 1);
    expect(Array.from({ length: 7 }, () => most.nextMs())).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
    const least = new BackOff(() => 0);
    expect([least.nextMs(), least.nextMs()]).toEqual([0, 0]);
  });

  test('begins again after a reset', () => {
    const backOff = new BackOff(() => 1);
    backOff.nextMs();
    backOff.nextMs();
    backOff.reset();
    expect(backOff.nextMs()).toBe(1_000);
  });
});

describe('the replay log', () => {
  const frame = { case: 'rosterRequest', value: {} } as const;

  test('keeps what was not acknowledged, across acknowledgements', () => {
    const log = new ReplayLog();
    for (let i = 0; i < 5; i++) log.add(frame);
    log.acknowledge(3n);
    expect(log.pending).toHaveLength(2);
    log.acknowledge(3n);
    expect(log.pending).toHaveLength(2);
    log.add(frame);
    log.acknowledge(6n);
    expect(log.pending).toHaveLength(0);
    expect(log.sent).toBe(6n);
  });

  test('takes no count that cannot be', () => {
    const log = new ReplayLog();
    log.add(frame);
    log.add(frame);
    expect(() => log.acknowledge(99n)).toThrow('not sent');
    log.acknowledge(1n);
    expect(() => log.acknowledge(0n)).toThrow('not sent');
    expect(log.pending).toHaveLength(1);
  });

  test('is bounded', () => {
    const log = new ReplayLog();
    for (let i = 0; i < limits.linkReplayFrames; i++) expect(log.add(frame)).toBe(true);
    expect(log.add(frame)).toBe(false);
  });
});

describe('an offer', () => {
  const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');
  const offer = (lines: string[]) =>
    ['v=0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', ...lines, ''].join('\r\n');

  test('is taken with one SHA-256 fingerprint, in either case', () => {
    expect(parseOffer(offer([`a=fingerprint:sha-256 ${fingerprint}`])).fingerprint).toBe(fingerprint);
    expect(parseOffer(offer([`a=fingerprint:SHA-256 ${fingerprint.toLowerCase()}`])).fingerprint).toBe(
      fingerprint,
    );
  });

  test.each([
    ['no fingerprint', []],
    ['two fingerprints', [`a=fingerprint:sha-256 ${fingerprint}`, `a=fingerprint:sha-256 ${fingerprint}`]],
    ['a second one in other letters', [`a=fingerprint:sha-256 ${fingerprint}`, `A=FINGERPRINT:sha-1 AB`]],
    ['a second one with spaces', [`a=fingerprint:sha-256 ${fingerprint}`, `a =fingerprint:sha-256 AB`]],
    ['a short fingerprint', ['a=fingerprint:sha-256 AB:CD']],
    ['another hash', [`a=fingerprint:sha-512 ${fingerprint}`]],
    ['a second section', [`a=fingerprint:sha-256 ${fingerprint}`, 'm=audio 9 UDP/TLS/RTP/SAVPF 111']],
    ['too much of it', [`a=fingerprint:sha-256 ${fingerprint}`, 'a='.padEnd(20_000, 'x')]],
  ])('with %s is refused', (_, lines) => {
    expect(() => parseOffer(offer(lines))).toThrow(/offer/);
  });
});

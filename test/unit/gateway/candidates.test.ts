import { describe, expect, test } from 'vitest';
import { saysAddress, withoutNames } from '../../../gateway/media/candidates.ts';

const host = 'candidate:1 1 udp 2113937151 192.0.2.7 49435 typ host generation 0';
const hidden = 'candidate:1 1 udp 2113937151 4e27a901-c011-46cf-8498-6136aeb21980.local 49435 typ host';
const reflexive = 'candidate:2 1 udp 1677729535 2001:db8::7 49435 typ srflx raddr 0.0.0.0 rport 0';

describe('candidates of a page', () => {
  test.each([host, reflexive, `a=${host}`, `${host}\r\n`])('%s says an address', (candidate) => {
    expect(saysAddress(candidate)).toBe(true);
  });

  test.each([
    hidden,
    '',
    'candidate:',
    'candidate:1 1 udp 1 10.0.0.256 9 typ host',
    host.replace('192.0.2.7', 'intranet'),
  ])('%s is not looked up', (candidate) => {
    expect(saysAddress(candidate)).toBe(false);
  });

  test('of an offer only the names go', () => {
    const before = ['v=0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=ice-ufrag:HmWz'];
    const offer = (...candidates: string[]) => [...before, ...candidates, 'a=mid:0', ''].join('\r\n');
    const names = [`a=${hidden}`, `A = ${hidden}`, `a=${host.replace('192.0.2.7', 'intranet')}`];
    expect(withoutNames(offer(`a=${host}`, ...names, `a=${reflexive}`))).toBe(
      offer(`a=${host}`, `a=${reflexive}`),
    );
  });
});

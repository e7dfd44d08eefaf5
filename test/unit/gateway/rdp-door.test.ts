import { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { tryRdpDoor } from '../../../gateway/targets/rdp-door.ts';
import type { RdpSettings } from '../../../protocol/records/session-settings.ts';
import { failureOf } from '../../fixtures/outcome.ts';

/** RDP's own encryption is what it selects: X.224 Connection Confirm with RDP_NEG_RSP ([MS-RDPBCGR] 2.2.1.2). */
const confirm = Buffer.from('030000130ed00000123400020008000000000000'.slice(0, 38), 'hex');
const settings = {
  ...{ security: 'rdp', ignoreCert: true, loadBalanceInfo: '' },
  ...{ preconnectionBlob: '', preconnectionId: null },
} as RdpSettings;

/** Answers the knock with these pieces, all in one turn, as a channel of a jump machine does with what lies there. */
function answering(pieces: readonly Buffer[], thenEnds = false): Duplex {
  return new Duplex({
    read: () => undefined,
    write(_bytes, _encoding, done) {
      for (const piece of pieces) this.push(piece);
      if (thenEnds) this.destroy();
      done();
    },
  });
}

const knockAt = (socket: Duplex) =>
  tryRdpDoor({
    ...{ socket, host: 'rdp.example', settings, signal: new AbortController().signal },
    trust: { pinned: null, accepted: null } as unknown as Parameters<typeof tryRdpDoor>[0]['trust'],
  });

describe('the answer of an RDP machine', () => {
  test.each([
    ['whole', [confirm]],
    ['in two pieces', [confirm.subarray(0, 4), confirm.subarray(4)]],
    ['byte by byte', [...confirm].map((byte) => Buffer.of(byte))],
  ])('is taken %s, though all of it comes in one turn', async (_, pieces) => {
    expect(await knockAt(answering(pieces))).toEqual({ security: 'rdp', certificate: null });
  });

  test('that breaks off, or is none, is told', async () => {
    expect((await failureOf(knockAt(answering([confirm.subarray(0, 9)], true)))).code).toBe(
      'target-protocol',
    );
    expect((await failureOf(knockAt(answering([Buffer.from('SSH-2.0-x')])))).code).toBe('target-protocol');
  });
});

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeHostKey, isPinned, preferPinned } from '../../../gateway/ssh/host-key.ts';
import { newKeyPair } from '../../../scripts/demo/ssh-keys.ts';

const lines = [(await newKeyPair('ed25519')).public, (await newKeyPair('ecdsa')).public];
const [first = '', second = ''] = lines;
const blobOf = (line: string) => Buffer.from(line.split(' ')[1] ?? '', 'base64');

describe('a host key', () => {
  it('is described as ssh-keygen does', () => {
    const digest = createHash('sha256').update(blobOf(first)).digest('base64').replace('=', '');
    expect(describeHostKey(blobOf(first))).toEqual({
      key: first.split(' ').slice(0, 2).join(' '),
      fingerprint: `SHA256:${digest}`,
    });
  });

  it('of nonsense has no type', () => {
    for (const blob of [Buffer.alloc(0), Buffer.from([0, 0, 0, 9, 0x1b, 0x5b]), Buffer.alloc(40, 0xff)]) {
      expect(describeHostKey(blob).key).toMatch(/^unknown /);
    }
  });

  it('is pinned by its whole bytes', () => {
    expect(isPinned(blobOf(first), [second, first])).toBe(true);
    expect(isPinned(blobOf(first), [`  ${first} a comment`])).toBe(true);
    expect(isPinned(blobOf(first), [second])).toBe(false);
    expect(isPinned(blobOf(first), [])).toBe(false);
    expect(isPinned(blobOf(first), ['', 'ssh-ed25519', 'ssh-ed25519 '])).toBe(false);
    expect(isPinned(Buffer.alloc(0), ['', 'ssh-ed25519'])).toBe(false);
    expect(isPinned(blobOf(first), [first.slice(0, -6)])).toBe(false);
  });

  it('is asked for by the type that is pinned', () => {
    expect(preferPinned([])[0]).toBe('ssh-ed25519');
    expect(preferPinned([second])[0]).toBe('ecdsa-sha2-nistp256');
    expect(preferPinned(['ssh-rsa AAAA']).slice(0, 2)).toEqual(['rsa-sha2-512', 'rsa-sha2-256']);
    expect(preferPinned(['ssh-rsa AAAA'])).not.toContain('ssh-rsa');
    expect(new Set(preferPinned([second]))).toEqual(new Set(preferPinned([])));
  });
});

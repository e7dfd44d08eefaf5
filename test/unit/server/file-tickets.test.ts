import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseBase64url, encodeBase64url } from '../../../protocol/bytes.ts';
import { clientPrint, FileTickets, type FileTicket } from '../../../server/secrets-manager/file-tickets.ts';

const tickets = new FileTickets(randomBytes(32));
const now = 1_790_000_000_000;
const ticket: FileTicket = {
  purpose: 'send',
  applicationUid: randomBytes(16),
  client: clientPrint(randomBytes(64)),
  fileUid: randomBytes(16),
  expiresAt: now + 1,
};

test('a ticket says what it was issued for, until its time is over', () => {
  for (const purpose of ['read', 'read-added', 'send'] as const) {
    const text = tickets.issue({ ...ticket, purpose });
    expect(text).toMatch(/^[\w-]{95}$/); // a parameter of a route has at most 100 characters
    const read = tickets.read(text, now);
    expect(read?.purpose).toBe(purpose);
    expect(read?.expiresAt).toBe(now + 1);
    for (const part of ['applicationUid', 'client', 'fileUid'] as const)
      expect(Buffer.compare(read?.[part] ?? randomBytes(16), ticket[part])).toBe(0);
    expect(tickets.read(text, now + 1)).toBe(null);
  }
});

test('a ticket that was changed in any bit, cut, extended or made with another key is none', () => {
  const text = tickets.issue(ticket);
  const bytes = parseBase64url(text);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
    expect(tickets.read(encodeBase64url(changed), now)).toBe(null);
  }
  for (const other of [
    '',
    'x',
    text.slice(0, -1),
    `${text}A`,
    `${text}=`,
    text.replace(/.$/, '!'),
    'ü'.repeat(95),
  ])
    expect(tickets.read(other, now)).toBe(null);
  expect(new FileTickets(randomBytes(32)).read(text, now)).toBe(null);
});

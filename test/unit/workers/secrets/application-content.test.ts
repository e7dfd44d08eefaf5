import { describe, expect, test } from 'vitest';
import { encodeContent, parseContent } from '../../../../protocol/records/content.ts';
import { limits } from '../../../../protocol/limits.ts';
import { newUid } from '../../../../protocol/uid.ts';
import {
  applicationContent,
  nameIn,
  parseApplication,
  type SealedApplication,
} from '../../../../workers/engine/secrets/application-content.ts';

const application: SealedApplication = {
  name: 'CI',
  createdAt: 1_700_000_000_000,
  shares: [
    { uid: newUid(), kind: 'record', editable: true },
    { uid: newUid(), kind: 'folder', editable: false },
  ],
  clients: new Map([['AAAA', 'runner 1']]),
};

describe('the sealed record of an application', () => {
  test('says again what it was made of', () => {
    const content = parseContent(encodeContent(applicationContent(application)));
    expect(parseApplication(content)).toEqual(application);
  });

  test('with as much as it may have it fits into a record', () => {
    const shares = Array.from({ length: limits.secrets.sealedShares }, () => ({
      ...{ uid: newUid(), kind: 'folder' as const, editable: true },
    }));
    const clients = new Map(
      Array.from({ length: 250 }, (_, at) => [`${at}`.padEnd(88, 'A'), 'ö'.repeat(100)] as const),
    );
    const text = encodeContent(applicationContent({ ...application, shares, clients }));
    expect(new TextEncoder().encode(text).length).toBeLessThan(limits.recordPlaintext);
    const more = { ...application, shares: [...shares, ...application.shares] };
    expect(() => applicationContent(more)).toThrow(expect.objectContaining({ code: 'limit-reached' }));
  });

  test.each([
    ['another type', (text: string) => text.replace('secretsApplication', 'app')],
    ['a share that is none', (text: string) => text.replace('record w ', 'record x ')],
    ['a uid that is none', (text: string) => text.replace(/record w [\w-]{22}/, 'record w short')],
    ['no time', (text: string) => text.replace('1700000000000', '"now"')],
    ['a device without a name', (text: string) => text.replace('"name":"runner 1"', '"name":1')],
  ])('%s is refused', (_name, change) => {
    const content = parseContent(change(encodeContent(applicationContent(application))));
    expect(() => parseApplication(content)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test('a name is one line', () => {
    expect(nameIn('  build\nserver ')).toBe('build server');
    expect(() => nameIn(' \u202e ')).toThrow(expect.objectContaining({ code: 'malformed' }));
  });
});

import { describe, expect, test } from 'vitest';
import { limits } from '../../../protocol/limits.ts';
import { newUid } from '../../../protocol/uid.ts';
import { AnswerCache } from '../../../server/secrets-manager/answer-cache.ts';
import { getSecret } from '../../../server/secrets-manager/read-secrets.ts';
import { noFiles } from '../../../server/secrets-manager/secret-files.ts';
import { scriptedStore } from '../../fixtures/scripted-store.ts';
import { caller } from '../../fixtures/secrets-caller.ts';

const call = { caller, method: 'get_secret', address: '198.51.100.1', now: 0, mark: new Uint8Array(32) };

const payload = {
  clientVersion: 'test',
  clientId: new Uint8Array(64),
  publicKey: null,
  requestedRecords: [] as string[],
  requestedFolders: [],
  requestLinks: false,
};

describe('reading secrets', () => {
  test('an answer that is too large is refused before a byte of it leaves the store', async () => {
    const { db, statements } = scriptedStore((sql) =>
      sql.includes('octet_length') ? [{ bytes: limits.secretsManagerBody, data: null }] : [],
    );
    await expect(
      getSecret({ db, filesOf: noFiles, cache: new AnswerCache() }, call, payload),
    ).rejects.toThrow('too large');
    const contents = statements.filter((sql) => /encode\((data|content),/.test(sql));
    expect(contents).toHaveLength(2);
    for (const sql of contents)
      expect(sql).toMatch(/CASE WHEN bytes <= \$\d+ THEN replace\(encode\((data|content),/);
  });

  test('a request that names more records than a statement takes is refused before it is a statement', async () => {
    const { db, statements } = scriptedStore(() => [{ bytes: 0 }]);
    const requestedRecords = Array.from({ length: 70_000 }, newUid);
    const request = getSecret({ db, filesOf: noFiles, cache: new AnswerCache() }, call, {
      ...payload,
      requestedRecords,
    });
    await expect(request).rejects.toThrow('too many records');
    expect(statements.filter((sql) => sql.includes('application_copy'))).toEqual([]);
  });

  test('an answer is given again to the same question alone', async () => {
    const { db, statements } = scriptedStore(() => []);
    const parts = { db, filesOf: noFiles, cache: new AnswerCache() };
    const uid = newUid();
    const questions = [
      { requestedRecords: [], requestedFolders: [] },
      { requestedRecords: [uid], requestedFolders: [] },
      { requestedRecords: [], requestedFolders: [uid] },
      { requestedRecords: [uid, '/'], requestedFolders: [] },
      { requestedRecords: [uid], requestedFolders: ['/'] },
    ];
    for (const question of questions) {
      const before = statements.length;
      await getSecret(parts, call, { ...payload, ...question });
      const asked = statements.length;
      expect(asked).toBeGreaterThan(before);
      await getSecret(parts, call, { ...payload, ...question });
      expect(statements).toHaveLength(asked);
    }
    const another = { ...call, caller: { ...caller, applicationUid: new Uint8Array(16).fill(1) } };
    const asked = statements.length;
    await getSecret(parts, another, payload);
    expect(statements.length).toBeGreaterThan(asked);
  });
});

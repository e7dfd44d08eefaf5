import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FieldPath } from '../../../workers/api.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { emptyContent, recordTemplates } from '../../../protocol/records/templates.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const card: RecordContent = {
  type: 'bankCard',
  title: 'Card',
  fields: [
    {
      type: 'paymentCard',
      value: [{ cardNumber: '4242424242424242', cardExpirationDate: '04/2030', cardSecurityCode: '123' }],
    },
  ],
  custom: [
    { type: 'securityQuestion', label: 'Bank', value: [{ question: 'Pet?', answer: 'Rex' }] },
    { type: 'secret', label: 'Word', value: ['orchid'] },
  ],
};

function login(title: string, password: string): RecordContent {
  return { type: 'login', title, fields: [{ type: 'password', value: [password] }] };
}

describe('records of every kind, and tools, through a real server', () => {
  let server: TestServer;
  let engine: TestEngine;
  beforeAll(async () => {
    server = await startTestServer();
    engine = await startEngine(server.url);
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'ada@example.test', password: 'correct horse battery staple' });
  });
  afterAll(async () => {
    await engine.close();
    await server.close();
  });

  test('each type that a person makes is saved and read as it was', async () => {
    for (const template of recordTemplates.filter(({ internal }) => !internal)) {
      const content = { ...emptyContent(template), title: template.title };
      const recordUid = await engine.saveRecord({ content });
      const view = await engine.readRecord(recordUid);
      const seeded = template.fields.some(({ type }) => type === 'trafficEncryptionSeed');
      expect(view.content).toEqual(content);
      expect(view.withheld).toHaveLength(seeded ? 1 : 0);
    }
  });

  test('parts of a value are withheld, shown and kept one by one', async () => {
    const uid = await engine.saveRecord({ content: card });
    const view = await engine.readRecord(uid);
    expect(JSON.stringify(view)).not.toMatch(/4242|Rex|orchid/);
    const [number, code] = view.withheld;
    if (!number || !code) throw new Error('nothing is withheld');
    expect(await engine.revealField({ recordUid: uid, field: number })).toBe('4242424242424242');
    // Renamed, put first, and with a new security code.
    const [question, word] = view.content.custom ?? [];
    if (!question || !word) throw new Error('the added fields are gone');
    const edited = {
      ...view.content,
      fields: [{ type: 'paymentCard', value: [{ cardExpirationDate: '04/2030', cardSecurityCode: '999' }] }],
      custom: [{ ...word, label: 'Code word' }, question],
    };
    const withheld = [
      number,
      { group: 'custom', index: 0, from: { group: 'custom', index: 1 } },
      { group: 'custom', index: 1, member: 'answer', from: { group: 'custom', index: 0, member: 'answer' } },
    ] as const;
    await engine.saveRecord({ uid, baseRevision: view.revision, content: edited, withheld });
    const reveal = (field: FieldPath) => engine.revealField({ recordUid: uid, field });
    expect(await reveal(number)).toBe('4242424242424242');
    expect(await reveal(code)).toBe('999');
    expect(await reveal({ group: 'custom', index: 0 })).toBe('orchid');
    expect(await reveal({ group: 'custom', index: 1, member: 'answer' })).toBe('Rex');
  });

  test('a one-time code comes without its secret', async () => {
    const fields = [{ type: 'oneTimeCode', value: ['JBSWY3DPEHPK3PXP'] }];
    const recordUid = await engine.saveRecord({ content: { type: 'login', title: 'Code', fields } });
    const answer = await engine.readOneTimeCode({ recordUid, field: { group: 'fields', index: 0 } });
    expect(answer.code).toMatch(/^\d{6}$/);
    expect(answer.secondsLeft).toBeLessThanOrEqual(answer.periodSeconds);
  });

  test('the report finds what is weak and what is shared, and a new one ends the one before', async () => {
    const uids = [];
    for (const title of ['A', 'B']) uids.push(await engine.saveRecord({ content: login(title, 'letmein') }));
    await engine.saveRecord({ content: login('C', 'vR7#kq92!mZpW@x4Lt') });
    const [overtaken, report] = await Promise.allSettled([
      engine.reportPasswords({ oldAfterDays: 365 }),
      engine.reportPasswords({ oldAfterDays: 365 }),
    ]);
    expect(overtaken).toMatchObject({ status: 'rejected', reason: { name: 'cancelled' } });
    if (report.status !== 'fulfilled') throw report.reason;
    const { weak, reused, old, passwords } = report.value;
    expect(passwords).toBe(3);
    expect(weak.map(({ recordUid }) => recordUid)).toEqual(expect.arrayContaining(uids));
    expect(reused.map((group) => group.map(({ title }) => title).sort())).toEqual([['A', 'B']]);
    expect(old).toEqual([]);
  });
});

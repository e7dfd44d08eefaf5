import { expect, test } from 'vitest';
import { createLogger } from '../../../server/log/logger.ts';
import { AccessEvents } from '../../../server/secrets-manager/access-events.ts';
import { scriptedStore } from '../../fixtures/scripted-store.ts';
import { caller } from '../../fixtures/secrets-caller.ts';

test('who is refused from every address of one network makes one row of it, and pushes nothing else out', async () => {
  const { db, statements } = scriptedStore((sql) => (sql.startsWith('insert') ? [{ event: 1 }] : []));
  const events = new AccessEvents(db, createLogger('error'));
  const refuse = (address: string) =>
    events.note('app_client_access_denied', caller, { method: 'get_secret', address, now: 0 });
  for (let i = 1; i <= 200; i++) await refuse(`2001:db8:1:2::${i.toString(16)}`);
  expect(statements).toHaveLength(1);
  await refuse('2001:db8:1:3::1');
  await refuse('198.51.100.1');
  await refuse('198.51.100.2');
  expect(statements).toHaveLength(4);
  await events.flush();
});

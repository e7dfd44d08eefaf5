import { expect, test, vi } from 'vitest';
import { Logger } from '../../../gateway/log/logger.ts';
import type { AdmittedCommand } from '../../../gateway/router/command-gate.ts';
import { Connector, type ConnectorOptions } from '../../../gateway/sessions/connector.ts';
import { holdSecrets } from '../../../gateway/sessions/held-secrets.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';

const credential = { username: 'root', password: 'the first secret', passphrase: 'the second secret' };

test('when one secret cannot be held, none stays held', () => {
  const log = new Logger('silent');
  const hold = log.secrets.hold.bind(log.secrets);
  let held = 0;
  log.secrets.hold = (secret) => {
    if (held === 1) throw new RangeError('too many secrets in use');
    held++;
    const release = hold(secret);
    return () => {
      held--;
      release();
    };
  };
  expect(() => holdSecrets(log, [credential])).toThrow('too many');
  expect(held).toBe(0);
  expect(log.secrets.scrub(credential.password)).toBe(credential.password);
});

test('all are held until they are let go', () => {
  const log = new Logger('silent');
  const release = holdSecrets(log, [credential]);
  expect(log.secrets.scrub(`${credential.password}, ${credential.passphrase}`)).toBe('[secret], [secret]');
  release();
  expect(log.secrets.scrub(credential.passphrase)).toBe(credential.passphrase);
});

test('a session UID that is in use is refused, before any record is read', async () => {
  const command = { recordUid: newUid(), sessionUid: newUid(), sessionNonce: new Uint8Array(16) };
  const readMachine = vi.fn();
  const connector = new Connector({
    sessions: { reserve: () => () => {}, find: (uid: Uid) => (uid === command.sessionUid ? {} : null) },
    machines: { readMachine },
  } as unknown as ConnectorOptions);
  const admitted = { command, member: { accountUid: newUid() } } as unknown as AdmittedCommand;
  await expect(connector.connect(admitted, { detourTicket: new Uint8Array(0) })).rejects.toMatchObject({
    code: 'replayed',
  });
  expect(readMachine).not.toHaveBeenCalled();
});

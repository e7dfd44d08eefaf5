// A server that dies in the middle of a rotation of account keys: the account has its former keys or its new ones, whole.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startEngine } from '../../fixtures/engine.ts';
import { startServerProcess, type ServerProcess } from '../../fixtures/server-process.ts';

const [email, password] = ['durable@example.test', 'correct horse battery'];

test('kill -9 while it is staged, and while it ends', { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-rotation-'));
  const settings = { SALLYPORT_DATA: folder, OPEN_SIGN_UP: 'true' };
  let server: ServerProcess = await startServerProcess(settings);
  const here = await startEngine(server.url);
  try {
    const again = { ...settings, SALLYPORT_PORT: new URL(server.url).port };
    await here.draftRecoveryPhrase();
    await here.createAccount({ email, password });
    const save = (title: string) =>
      here.saveRecord({ content: { type: 'login', title, fields: [{ type: 'password', value: [title] }] } });
    const uids = [await save('One'), await save('Two')];
    for (const moment of ['sealing', 'finishing'] as const) {
      await here.draftRecoveryPhrase();
      const { previewUid } = await here.previewKeyRotation();
      let killing: Promise<void> | null = null;
      const end = here.rotateKeys({ previewUid, password }, ({ step }) => {
        if (step === moment) killing ??= server.kill();
      });
      await end.catch(() => undefined); // lost, or through: what counts is what opens afterwards
      await killing;
      server = await startServerProcess(again);
      await here.lock();
      await here.unlock({ password });
      await here.until(({ link }) => link === 'connected');
      await here.syncNow();
      for (const uid of uids) expect((await here.readRecord(uid)).content.type).toBe('login');
      expect(here.states.at(-1)).toMatchObject({ vaultIncomplete: false, refusedRecords: 0 });
      const fresh = await startEngine(server.url);
      await fresh.signIn({ email, password });
      for (const uid of uids) expect((await fresh.readRecord(uid)).content.type).toBe('login');
      expect(fresh.states.at(-1)).toMatchObject({ vaultIncomplete: false, refusedRecords: 0 });
      await fresh.close();
    }
    await here.draftRecoveryPhrase();
    const { previewUid } = await here.previewKeyRotation();
    expect(await here.rotateKeys({ previewUid, password })).toEqual({ kind: 'done' });
    expect(await server.stop()).toBe(0);
  } finally {
    await here.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

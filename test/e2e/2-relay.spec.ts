// A server with a relay of its own: a browser that may use nothing else, and what Diagnose says of each leg.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, expect } from '@playwright/test';
import { freePort } from '../../scripts/process/guacd.ts';
import { makeCertificate } from '../fixtures/certificate.ts';
import { startCoturn, type Coturn } from '../fixtures/coturn.ts';
import { expectAccessible } from './accessible.ts';
import { Installation } from './installation.ts';
import { machines, moveIn, type House } from './move-in.ts';
import { diagnose, leg, openWithRelaysOnly } from './paths.ts';
import { connect, disconnect, openRecord, run, targetFile } from './person.ts';

const test = base.extend<object, { relayed: House & { readonly coturn: Coturn } }>({
  relayed: [
    async ({ browser }, use) => {
      const folder = mkdtempSync(join(tmpdir(), 'sallyport-relay-'));
      const [coturn, turns] = await startCoturnByTls(folder);
      const stranger = await startCoturn({ secret: 'a secret that the server does not have' });
      const urls = [...coturn.urls, turns, ...stranger.urls];
      const installation = await Installation.start({ relay: { urls, secret: coturn.secret } });
      try {
        const house = await moveIn(browser, installation);
        await use({ ...house, coturn });
        await house.context.close();
      } finally {
        await installation.stop();
        await Promise.all([coturn.stop(), stranger.stop()]);
        rmSync(folder, { recursive: true });
      }
    },
    { scope: 'worker', timeout: 180_000 },
  ],
});

/** With a certificate that no browser believes. */
async function startCoturnByTls(folder: string): Promise<[Coturn, string]> {
  const { certificate, key } = makeCertificate(folder);
  for (const path of [folder, certificate, key]) chmodSync(path, 0o755); // coturn reads them as nobody
  const port = await freePort();
  const settings = [`cert=${certificate}`, `pkey=${key}`, `tls-listening-port=${port}`];
  return [await startCoturn({ settings }), `turns:127.0.0.1:${port}?transport=tcp`];
}

test('a browser that may use the relay alone gets a terminal that echoes', async ({ relayed }) => {
  const { installation, context, coturn } = relayed;
  const page = await openWithRelaysOnly(context, installation.server.url);
  await connect(page, machines.password);
  await run(page, 'echo by relay > relayed.txt');
  expect(await targetFile(installation, 'relayed.txt')).toBe('by relay');
  expect(coturn.log.join('\n')).toMatch(/peer 127\.0\.0\.1 lifetime updated/);
  await disconnect(page);
  await page.close();
});

test('Diagnose finds every leg whole, and says it as text without a name or address', async ({ relayed }) => {
  const { page, installation } = relayed;
  const dialog = await diagnose(page, machines.password);
  for (const name of [
    'server',
    'router',
    'udp',
    'relay-1',
    'relay-2',
    'gateway',
    'detour',
    'guacd',
    'target',
  ])
    await expect(leg(dialog, name)).toHaveAttribute('data-state', 'ok');
  await expectAccessible(page, 'diagnose');
  await dialog.getByRole('button', { name: 'Copy as text' }).click();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  expect(text).toContain('guacd: ok');
  for (const secret of [...installation.secrets, machines.password, '127.0.0.1'])
    expect(text).not.toContain(secret);
  await dialog.getByRole('button', { name: 'Close' }).click();
});

test('Diagnose tests each way to a relay apart, and names what is wrong with which', async ({ relayed }) => {
  const { page } = relayed;
  const dialog = await diagnose(page, machines.password);
  for (const [at, way] of ['UDP', 'TCP'].entries()) {
    await expect(leg(dialog, `relay-${at + 1}`)).toHaveAttribute('data-state', 'ok');
    await expect(leg(dialog, `relay-${at + 1}`)).toContainText(`Relay by ${way} (TURN)`);
    const other = leg(dialog, `relay-${at + 4}`);
    await expect(other).toHaveAttribute('data-state', 'failed');
    await expect(other).toContainText(`Relay by ${way} (TURN), number 2`);
    await expect(other).toContainText('Compare secret and clock of server and relay.');
  }
  const tls = leg(dialog, 'relay-3');
  await expect(tls).toHaveAttribute('data-state', 'failed');
  await expect(tls).toContainText('Relay by TLS (TURN)');
  await expect(tls).toContainText(/coturn’s certificate is good/);
  await expectAccessible(page, 'diagnose-relays');
  await dialog.getByRole('button', { name: 'Close' }).click();
});

test('Diagnose names a closed port of the machine, from the screen of the failed session', async ({
  relayed,
}) => {
  const { page } = relayed;
  await openRecord(page, machines.closed);
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await page.getByRole('alert').getByRole('button', { name: 'Diagnose' }).click();
  const dialog = page.getByRole('dialog', { name: 'Diagnose' });
  await expect(leg(dialog, 'target')).toHaveAttribute('data-state', 'failed');
  await expect(leg(dialog, 'guacd')).toHaveAttribute('data-state', 'ok');
  await expect(leg(dialog, 'target')).toContainText(/refused/i);
  await expect(dialog.getByRole('button', { name: 'Copy as text' })).toBeVisible({ timeout: 40_000 });
  await expectAccessible(page, 'diagnose-failed');
  await dialog.getByRole('button', { name: 'Close' }).click();
});

test('Diagnose names guacd when it is stopped, and the machine is still reached', async ({ relayed }) => {
  const { page, installation } = relayed;
  await installation.guacd.stop();
  const dialog = await diagnose(page, machines.password);
  await expect(leg(dialog, 'guacd')).toHaveAttribute('data-state', 'failed');
  await expect(leg(dialog, 'guacd')).toContainText('Next:');
  await expect(leg(dialog, 'target')).toHaveAttribute('data-state', 'ok');
  await installation.startGuacd();
  await dialog.getByRole('button', { name: 'Test again' }).click();
  await expect(leg(dialog, 'guacd')).toHaveAttribute('data-state', 'ok', { timeout: 40_000 });
  await dialog.getByRole('button', { name: 'Close' }).click();
});

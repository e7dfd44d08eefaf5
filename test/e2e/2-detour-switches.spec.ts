// The way through the server, for a browser that has no other: switched off by the gateway, by the server, and by nobody.
import { test as base, expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { Installation } from './installation.ts';
import { machines, moveIn, type House } from './move-in.ts';
import { diagnose, diagnosed, leg, openWithRelaysOnly, searchStates } from './paths.ts';
import { connect, disconnect, openRecord, run, targetFile } from './person.ts';

/** Read at each start. */
interface Switches {
  readonly server: Record<string, string>;
  readonly gateway: Record<string, string>;
}

const test = base.extend<object, { switched: House & { readonly switches: Switches } }>({
  switched: [
    async ({ browser }, use) => {
      const switches: Switches = { server: {}, gateway: { SALLYPORT_GATEWAY_THROUGH_SERVER: 'false' } };
      const { server: serverSettings, gateway: gatewaySettings } = switches;
      const installation = await Installation.start({ serverSettings, gatewaySettings });
      try {
        const house = await moveIn(browser, installation);
        // By a direct path: its host key is trusted from then on, and asks nobody.
        await connect(house.page, machines.password);
        await disconnect(house.page);
        await use({ ...house, switches });
        await house.context.close();
      } finally {
        await installation.stop();
      }
    },
    { scope: 'worker', timeout: 180_000 },
  ],
});

async function expectRefused(page: Page, by: 'server' | 'gateway', setting: string): Promise<void> {
  await openRecord(page, machines.password);
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  const alert = page.getByRole('alert').filter({ hasText: 'No direct path to the gateway' });
  await expect(alert).toContainText(`this ${by} lets no session go through`, { timeout: 60_000 });
  await expect(alert).toContainText(`ask for ${setting} on the ${by}`);
  await alert.getByRole('button', { name: 'Diagnose' }).click();
  const dialog = await diagnosed(page);
  await expect(leg(dialog, 'detour')).toHaveAttribute('data-state', 'not-configured');
  await expect(leg(dialog, 'detour')).toContainText(`this ${by} lets no session go through`);
  await expect(leg(dialog, 'detour')).toContainText(`ask for ${setting} on the ${by}`);
  for (const other of ['server', 'router', 'gateway', 'target'])
    await expect(leg(dialog, other)).toHaveAttribute('data-state', 'ok');
  await leg(dialog, 'detour').scrollIntoViewIfNeeded();
  await expectAccessible(page, `diagnose-detour-off-${by}`);
}

async function untilOnline(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Gateways' }).click();
  await expect(page.getByText('Online', { exact: true })).toBeVisible({ timeout: 45_000 });
}

test('a gateway that lets none is named, on the failed session and by Diagnose', async ({ switched }) => {
  const { context, installation } = switched;
  const page = await openWithRelaysOnly(context, installation.server.url);
  await expectRefused(page, 'gateway', 'SALLYPORT_GATEWAY_THROUGH_SERVER');
  await page.close();
});

test('so is a server that lets none, whatever its gateways let', async ({ switched }) => {
  const { context, installation, switches } = switched;
  delete switches.gateway.SALLYPORT_GATEWAY_THROUGH_SERVER;
  switches.server.RELAY_THROUGH_SERVER = 'false';
  await installation.killGateway();
  await installation.killServer();
  await installation.startServer();
  await installation.startGateway();
  const page = await openWithRelaysOnly(context, installation.server.url);
  await untilOnline(page);
  await expectRefused(page, 'server', 'RELAY_THROUGH_SERVER');
  await page.close();
});

test('where both let it the session goes through the server, and Diagnose finds that it does', async ({
  switched,
}) => {
  const { context, installation, switches } = switched;
  delete switches.server.RELAY_THROUGH_SERVER;
  await installation.killServer();
  await installation.startServer();
  const page = await openWithRelaysOnly(context, installation.server.url);
  await untilOnline(page);
  await connect(page, machines.password);
  // Its first frame waited for no search: the one that it began has its time still to go.
  expect(await searchStates(page)).toEqual([expect.stringMatching(/^(new|connecting)$/)]);
  await run(page, 'echo by the server > detoured.txt');
  expect(await targetFile(installation, 'detoured.txt')).toBe('by the server');
  await disconnect(page);
  await expect(leg(await diagnose(page, machines.password), 'detour')).toHaveAttribute('data-state', 'ok');
  await page.close();
});

// The paths of a session: a browser that has few of them, and what Diagnose says of each.
import { expect, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { openRecord, unlock } from './person.ts';

/** The vault, unlocked on a page whose connections look for relays alone. */
export async function openWithRelaysOnly(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.addInitScript(() => {
    const Direct = window.RTCPeerConnection;
    const searches: RTCPeerConnection[] = [];
    window.RTCPeerConnection = class extends Direct {
      constructor(configuration?: RTCConfiguration) {
        super({ ...configuration, iceTransportPolicy: 'relay' });
        searches.push(this);
      }
    };
    Object.assign(window, { searches });
  });
  await page.goto(url);
  await unlock(page);
  return page;
}

/** How the searches for a peer connection stand that such a page has begun so far. */
export async function searchStates(page: Page): Promise<string[]> {
  return await page.evaluate(() =>
    (window as unknown as { searches: RTCPeerConnection[] }).searches.map(
      ({ connectionState }) => connectionState,
    ),
  );
}

export const leg = (dialog: Locator, name: string) => dialog.locator(`[data-leg="${name}"]`);

/** From a record's menu, until every leg has a result. */
export async function diagnose(page: Page, title: string): Promise<Locator> {
  await openRecord(page, title);
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Diagnose' }).click();
  return await diagnosed(page);
}

/** It was opened: once every leg has a result. */
export async function diagnosed(page: Page): Promise<Locator> {
  const dialog = page.getByRole('dialog', { name: 'Diagnose' });
  await expect(dialog.getByRole('button', { name: 'Copy as text' })).toBeVisible({ timeout: 40_000 });
  return dialog;
}

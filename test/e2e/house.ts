// The installation and the person in it, made once for all journeys (and again after one failed).
import { test as base, expect } from '@playwright/test';
import { Installation } from './installation.ts';
import { moveIn, type House } from './move-in.ts';

export { machines } from './move-in.ts';

export const test = base.extend<object, { house: House }>({
  house: [
    async ({ browser }, use) => {
      const installation = await Installation.start();
      try {
        const house = await moveIn(browser, installation);
        await use(house);
        await house.context.close();
      } finally {
        await installation.stop();
      }
    },
    { scope: 'worker', timeout: 180_000 },
  ],
});

export { expect };

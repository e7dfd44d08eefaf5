import { defineConfig } from '@playwright/test';
import { chromiumLaunch } from './test/chromium.ts';

/** One worker: the journeys share one installation, and the machine has two cores. */
export default defineConfig({
  testDir: 'test/e2e',
  workers: 1,
  fullyParallel: false,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['./scripts/suites/playwright-reporter.ts']],
  outputDir: 'test-results/e2e',
  use: {
    viewport: { width: 1280, height: 720 },
    screenshot: 'only-on-failure',
    trace: 'off',
    permissions: ['clipboard-read', 'clipboard-write'],
    launchOptions: chromiumLaunch,
  },
});

import { availableParallelism } from 'node:os';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromiumLaunch } from './test/chromium.ts';

/** Files side by side. Vitest leaves one core free, which of two is half the machine. */
const maxWorkers = Math.max(2, availableParallelism());

/** A busy machine takes longer for anything than Vitest's second. */
const patient = {
  ...{ expect: { poll: { timeout: 15_000 } }, hookTimeout: 120_000 },
  setupFiles: ['test/patience.ts'],
};

const node = (name: string, include: string[], testTimeout = 60_000) => ({
  test: { ...patient, name, include, environment: 'node' as const, testTimeout, maxWorkers },
});

export default defineConfig({
  test: {
    projects: [
      node('unit', ['test/unit/**/*.test.ts']),
      node('vectors', ['test/vectors/**/*.test.ts']),
      { ...node('integration', ['test/integration/**/*.test.ts'], 120_000) },
      { ...node('hostile', ['test/hostile/**/*.test.ts'], 120_000) },
      {
        plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
        resolve: { conditions: ['browser'] },
        test: {
          ...patient,
          name: 'components',
          include: ['test/components/**/*.test.ts'],
          environment: 'happy-dom',
          maxWorkers,
          testTimeout: 120_000, // the first of a file may wait for its compiling
        },
      },
      {
        // Found late, a dependency makes Vite reload the page under a running test.
        optimizeDeps: {
          include: [
            '@bufbuild/protobuf',
            '@glokon/guacamole-common-js',
            '@scure/bip39',
            '@scure/bip39/wordlists/english.js',
            '@serenity-kit/opaque',
            '@xterm/headless/lib-headless/xterm-headless.mjs',
            '@zip.js/zip.js/lib/zip-core-native.js',
            'comlink',
            'hash-wasm',
            'idb',
            'kdbxweb',
            'saxes',
          ],
        },
        test: {
          ...patient,
          name: 'browser',
          include: ['test/vectors/**/*.test.ts', 'test/browser/**/*.test.ts'],
          testTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: chromiumLaunch }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});

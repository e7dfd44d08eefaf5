import { readFile, readdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';
import { sealSite } from './scripts/build/site-integrity.ts';

/** Hashes of every file: in the page for the browser, in a list for whoever builds it too. */
function integrity(): Plugin {
  let folder = '';
  return {
    name: 'sallyport-integrity',
    apply: 'build',
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    writeBundle: { sequential: true, order: 'pre', handler: () => void sealSite(folder) },
  };
}

const compressible = /\.(js|css|html|svg|json|wasm)$/;

/** Writes .gz and .br beside every text asset, so that the server never compresses at run time. */
function precompress(): Plugin {
  let folder = '';
  return {
    name: 'sallyport-precompress',
    apply: 'build',
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    // After the hashes: what is compressed is what was hashed.
    writeBundle: {
      sequential: true,
      order: 'post',
      handler: async () => {
        const files = await readdir(folder, { recursive: true });
        await Promise.all(
          files.filter((name) => compressible.test(name)).map((name) => compress(`${folder}/${name}`)),
        );
      },
    },
  };
}

async function compress(path: string): Promise<void> {
  const bytes = await readFile(path);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, quality));
}

export default defineConfig({
  root: resolve(import.meta.dirname, 'web'),
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } }), integrity(), precompress()],
  worker: { format: 'es' },
  build: {
    outDir: resolve(import.meta.dirname, 'dist/web'),
    emptyOutDir: true,
    target: 'baseline-widely-available',
    // The polyfill is an inline script, which the content security policy refuses; browsers no longer need it.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});

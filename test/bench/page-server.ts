import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { build } from 'vite';

export interface PageServer {
  readonly url: string;
  close(): void;
}

/** Builds the script at `entry` and serves a page with it, alone, at a port of this machine. */
export async function servePage(entry: string): Promise<PageServer> {
  const script = await bundle(entry);
  const server = createServer(({ url }, response) => {
    const isScript = url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? script : '<!doctype html><title>bench</title><script src="/page.js"></script>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${portOf(server)}`, close: () => server.close() };
}

/** The script at `entry` with all that it imports, as one. */
export async function bundle(entry: string): Promise<string> {
  const built = await build({
    ...{ configFile: false, logLevel: 'warn' },
    build: {
      ...{ write: false, minify: false },
      lib: { entry, formats: ['iife'], name: 'page' },
    },
  });
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((one) =>
    'output' in one ? one.output : [],
  );
  const chunk = outputs.find(({ type }) => type === 'chunk');
  if (chunk?.type !== 'chunk') throw new Error('the page was not built');
  return chunk.code;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

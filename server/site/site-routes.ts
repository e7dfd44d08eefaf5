// The built web vault: hashed assets for ever, the page itself never from a cache.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const page = 'index.html';
const day = 24 * 60 * 60;

export function addSiteRoutes(app: FastifyInstance, folder: string): void {
  app.get('/healthz', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
  if (!existsSync(join(folder, page))) return addMissingSite(app);
  app.register(fastifyStatic, {
    root: folder,
    preCompressed: true,
    cacheControl: false,
    index: page,
    setHeaders: (response, path) => void response.header('cache-control', cachingOf(path)),
  });
  // A path of the vault's own router is the page; a file that is not there is not.
  app.setNotFoundHandler(async (request, reply) => {
    const isPage =
      request.method === 'GET' && !/^\/(api|assets)\/|\.\w+$/.test(new URL(request.url, 'http://x').pathname);
    return isPage
      ? reply.sendFile(page)
      : reply.code(404).send({ code: 'not-found', message: 'no such address' });
  });
}

/** Vite puts what it names by content into assets/. */
function cachingOf(path: string): string {
  if (/[/\\]assets[/\\]/.test(path)) return `public, max-age=${365 * day}, immutable`;
  return 'no-cache';
}

function addMissingSite(app: FastifyInstance): void {
  app.get('/', async (_request, reply) =>
    reply.code(503).type('text/plain').send('the web vault is not built: npm run build\n'),
  );
}

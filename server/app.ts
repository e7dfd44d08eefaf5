// The web server without its listening: routes, headers, and what every response has in common.
import cookie from '@fastify/cookie';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyInstance } from 'fastify';
import { addBodyDeadline, slowBodyMs } from './body-deadline.ts';
import { addDrain } from './drain.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { Logger } from './log/logger.ts';
import type { LoadedCertificate } from './tls/certificate.ts';
import { limits } from '../protocol/limits.ts';

const slowHeadersMs = 30_000;

export type App = FastifyInstance;

/** An app, over TLS with a certificate, whose own lines name routes, never addresses, headers or bodies. */
export async function createApp(
  config: Config,
  certificate: LoadedCertificate | null,
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): Promise<App> {
  const app = Fastify({
    logger: false,
    bodyLimit: limits.apiBody,
    requestTimeout: slowBodyMs,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    forceCloseConnections: 'idle',
    ...(certificate && { https: { cert: certificate.certificate, key: certificate.key } }),
  } as Parameters<typeof Fastify>[0]) as unknown as App;
  await app.register(cookie);
  await app.register(websocket, {
    preClose: (done) => done(), // the router's worker says goodbye on every link itself
    options: { maxPayload: limits.linkFrame + 64, perMessageDeflate: false, clientTracking: true },
  });
  app.server.headersTimeout = slowHeadersMs;
  addDrain(app);
  addBodyDeadline(app, clock);
  app.addHook('onResponse', (request, reply, done) => {
    if (log.isLevelEnabled('debug'))
      log.debug({
        event: 'request',
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      });
    done();
  });
  app.setErrorHandler((error, request, reply) => {
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    if (status >= 500)
      log.error({ event: 'request-failure', route: request.routeOptions.url ?? 'none', err: error });
    return reply
      .code(status)
      .send({ code: status >= 500 ? 'internal' : 'malformed', message: 'not a request' });
  });
  return app;
}

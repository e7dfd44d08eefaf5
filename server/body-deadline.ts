// How long the bodies of requests may take to arrive: a caller who sends ever so slowly holds a connection and nothing else.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from './clock.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its body is large: it may take as long as the server waits for any. */
    slowBody?: boolean;
  }
}

/** A body of a few MiB on a slow path. */
const bodyMs = 30_000;
/** The largest file at 600 kbit/s. */
export const slowBodyMs = 60 * 60_000;

/**
 * Cuts connections off whose request's body takes longer than 30 seconds, except on routes that say `slowBody`: also where the
 * answer is out before, which the server gives to many without their body.
 */
export function addBodyDeadline(app: FastifyInstance, clock: Clock): void {
  app.addHook('onRequest', (request, _reply, done) => {
    // Not before the bytes are read that came with the headers: of most requests nothing is missing then.
    queueMicrotask(() => limitBody(request, clock));
    done();
  });
}

function limitBody(request: FastifyRequest, clock: Clock): void {
  const { raw } = request;
  if (raw.complete || raw.destroyed || request.routeOptions.config.slowBody) return;
  const cancel = clock.schedule(bodyMs, () => {
    if (!raw.complete) raw.socket.destroy();
  });
  raw.once('end', cancel).once('close', cancel);
}

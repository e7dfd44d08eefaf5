import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { empty } from '../../protocol/bytes.ts';
import { toProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { BodyHook } from './body-budget.ts';
import type { Dispatcher } from './dispatcher.ts';
import { networkOf } from './network.ts';
import { TooManyRequests, requireNoWait } from './refusal.ts';
import { RateLimiter, type Rate } from './token-bucket.ts';

/** Of one address, calls that are cheap and calls that are not alike. */
export const apiRate: Rate = { burst: 600, perSecond: 100 };

const octets = 'application/octet-stream';

/** What cannot be said under the caller's own key is said in clear, with a code and nothing else. */
const statusOf: Readonly<Record<string, number>> = {
  'too-many-requests': 429,
  'too-large': 413,
  'not-found': 404,
  unavailable: 503,
  internal: 500,
};

export interface ApiParts {
  readonly dispatcher: Dispatcher;
  readonly ring: KeyRing;
  readonly rate: Rate;
  readonly bodies: BodyHook;
}

/** POST /api/v1/:service/:method and GET /api/v1/server-keys. protocol.md §7. */
export function addApiRoutes(app: FastifyInstance, { dispatcher, ring, rate, bodies }: ApiParts): void {
  const limiter = new RateLimiter(rate);
  async function answer({ body, ip, host }: FastifyRequest, reply: FastifyReply, name: string) {
    const request = body instanceof Uint8Array ? body : empty;
    const response = await dispatcher.dispatch(name, request, { address: ip, host });
    return reply.header('cache-control', 'no-store').type(octets).send(Buffer.from(response));
  }

  app.register(async (api) => {
    api.removeAllContentTypeParsers();
    api.addContentTypeParser(
      octets,
      { parseAs: 'buffer', bodyLimit: limits.apiBody },
      (_request, body, done) => done(null, body),
    );
    api.setErrorHandler((error, _request, reply) => refuse(reply, error));
    api.addHook('onRequest', async (request) => requireNoWait(limiter.take(networkOf(request.ip))));
    api.addHook('onRequest', bodies);

    api.get('/api/v1/server-keys', async (_request, reply) =>
      reply
        .header('cache-control', 'no-store')
        .type(octets)
        .send(await signedKeys(ring)),
    );
    for (const name of dispatcher.openMethods)
      api.post(`/api/v1/${name}`, { bodyLimit: limits.openBody }, (request, reply) =>
        answer(request, reply, name),
      );
    api.post<{ Params: { service: string; method: string } }>('/api/v1/:service/:method', (request, reply) =>
      answer(request, reply, `${request.params.service}/${request.params.method}`),
    );
  });
}

async function signedKeys(ring: KeyRing): Promise<Buffer> {
  return Buffer.from(await ring.signedKeys());
}

function refuse(reply: FastifyReply, error: unknown) {
  const { code, message } = toProtocolError(error) ?? fromFastify(error);
  if (error instanceof TooManyRequests)
    void reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000));
  return reply.code(statusOf[code] ?? 400).send({ code, message });
}

/** Fastify's own refusals: a body that is too large or of another type. */
function fromFastify(error: unknown): { code: string; message: string } {
  const status = (error as { statusCode?: unknown }).statusCode;
  if (status === 413) return { code: 'too-large', message: 'the request is too large' };
  if (typeof status === 'number' && status < 500) return { code: 'malformed', message: 'not a request' };
  return { code: 'internal', message: 'the server failed' };
}

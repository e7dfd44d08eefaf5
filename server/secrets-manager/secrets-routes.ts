import type { FastifyInstance } from 'fastify';
import { limits } from '../../protocol/limits.ts';
import type { BodyHook } from '../api/body-budget.ts';
import { networkOf } from '../api/network.ts';
import { requireNoWait } from '../api/refusal.ts';
import { RateLimiter, type Rate } from '../api/token-bucket.ts';
import type { Logger } from '../log/logger.ts';
import { encodeRefusal, SecretsRefusal } from './refusal.ts';
import type { SecretsDesk } from './secrets-desk.ts';
import { sendAnswer } from './send-answer.ts';

export interface SecretsParts {
  readonly desk: SecretsDesk;
  readonly rate: Rate;
  readonly bodies: BodyHook;
  readonly log: Logger;
  /** Of every response, to a request that was sent to that host. */
  readonly headersOf: (host: string) => Readonly<Record<string, string>>;
}

/** POST /api/rest/sm/v1/:method, compatible with the public secrets-manager clients. protocol.md §10.4. */
export function addSecretsRoutes(app: FastifyInstance, parts: SecretsParts): void {
  const { desk, rate, bodies, log, headersOf } = parts;
  const limiter = new RateLimiter(rate);
  app.register(async (api) => {
    api.removeAllContentTypeParsers();
    // Clients send whatever content type their platform puts there.
    api.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: limits.apiBody }, (_request, body, done) =>
      done(null, body),
    );
    api.addHook('onRequest', (request, _reply, done) => {
      requireNoWait(limiter.take(networkOf(request.ip)));
      done();
    });
    api.addHook('onRequest', bodies);
    api.setErrorHandler((error, request, reply) => {
      const status = (error as { statusCode?: number }).statusCode ?? 500;
      const { method } = request.params as { method?: string };
      const told = status < 500 ? new SecretsRefusal('bad_request', 'Not a request') : error;
      const known = encodeRefusal(told, method);
      if (!known)
        log.error({ event: 'secrets-failure', route: request.routeOptions.url ?? 'none', err: error });
      const refusal =
        known ?? encodeRefusal(new SecretsRefusal('internal_error', 'The server failed'), method);
      return reply
        .code(refusal?.status ?? 500)
        .type('application/json')
        .send(Buffer.from(refusal?.body ?? []));
    });
    api.post<{ Params: { method: string }; Body: Buffer | undefined }>(
      '/api/rest/sm/v1/:method',
      async ({ params, headers, body, ip, host }, reply) => {
        const request = { method: params.method, headers, body: body ?? new Uint8Array(0), address: ip };
        const answer = await desk.answer(request);
        reply.hijack();
        await sendAnswer(reply.raw, answer, headersOf(host));
      },
    );
  });
}

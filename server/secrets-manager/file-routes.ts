import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '../../protocol/limits.ts';
import { networkOf } from '../api/network.ts';
import { requireNoWait } from '../api/refusal.ts';
import { RateLimiter, type Rate } from '../api/token-bucket.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log/logger.ts';
import { uploadedStatus } from './add-file.ts';
import { filePath, type FileAddresses } from './file-addresses.ts';
import { rangeOf, readStored } from './file-downloads.ts';
import type { FileUploads } from './file-uploads.ts';
import { cutWhenIdle } from './idle-cut.ts';
import { boundaryOf, readFilePart } from './multipart.ts';
import { encodeRefusal, SecretsRefusal } from './refusal.ts';

export interface FileRouteParts {
  readonly addresses: FileAddresses;
  readonly uploads: FileUploads;
  readonly blobs: BlobStore;
  readonly rate: Rate;
  readonly log: Logger;
  readonly clock: Clock;
}

type FileRequest = FastifyRequest<{ Params: { ticket: string } }>;

/** Fields, headers and boundaries around a file. */
const mostAround = 64 * 1024;

/**
 * GET and POST of what `url` of a File entry and of add_file's answer names: no headers of a client's, the address says it all.
 * protocol.md §31.5. The ticket is in no line of the log: lines name routes.
 */
export function addFileRoutes(app: FastifyInstance, parts: FileRouteParts): void {
  const limiter = new RateLimiter(parts.rate);
  app.register(async (files) => {
    files.removeAllContentTypeParsers();
    // The body is read where it goes to.
    files.addContentTypeParser('*', (_request, _body, done) => done(null));
    files.addHook('onRequest', async (request) => requireNoWait(limiter.take(networkOf(request.ip))));
    files.addHook('onRequest', async (request, reply) => cutWhenIdle(request, reply, parts.clock));
    files.setErrorHandler((error, request, reply) => refuse(error, request, reply, parts.log));
    const bodyLimit = limits.secrets.file + mostAround;
    files.get<{ Params: { ticket: string } }>(`${filePath}:ticket`, (request, reply) =>
      download(request, reply, parts),
    );
    files.post<{ Params: { ticket: string } }>(
      `${filePath}:ticket`,
      { bodyLimit, config: { slowBody: true } },
      (request, reply) => upload(request, reply, parts),
    );
  });
}

async function download(request: FileRequest, reply: FastifyReply, { addresses, blobs }: FileRouteParts) {
  const file = await addresses.admitReader(request.params.ticket, request.ip);
  const { size } = file.row;
  reply.headers({ 'cache-control': 'no-store', 'accept-ranges': 'bytes' }).type('application/octet-stream');
  const range = rangeOf(request.headers.range, size);
  if (range === 'none') return reply.code(416).header('content-range', `bytes */${size}`).send();
  const { first, last } = range ?? { first: 0, last: size - 1 };
  if (range) reply.code(206).header('content-range', `bytes ${first}-${last}/${size}`);
  reply.header('content-length', last - first + 1);
  return reply.send(Readable.from(readStored(blobs, file, { first, last }), { objectMode: false }));
}

async function upload(request: FileRequest, reply: FastifyReply, { addresses, uploads }: FileRouteParts) {
  const boundary = boundaryOf(request.headers['content-type']);
  const file = await addresses.admitSender(request.params.ticket, request.ip);
  const { size } = file.row;
  const said = Number(request.headers['content-length'] ?? size);
  if (!(said >= size && said <= size + mostAround))
    throw new SecretsRefusal('bad_request', 'The body is not as long as the file that was announced');
  await uploads.receive(file, readFilePart(request.raw, boundary, size));
  return reply.code(uploadedStatus).header('cache-control', 'no-store').send();
}

function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger) {
  if (request.raw.destroyed && !request.raw.complete) return reply.hijack(); // whoever sent it is gone
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  const known = encodeRefusal(status < 500 ? new SecretsRefusal('bad_request', 'Not a request') : error);
  if (!known) log.error({ event: 'secrets-failure', route: request.routeOptions.url ?? 'none', err: error });
  const refusal = known ?? encodeRefusal(new SecretsRefusal('internal_error', 'The server failed'));
  return reply
    .code(refusal?.status ?? 500)
    .headers({ 'cache-control': 'no-store', ...(!request.raw.complete && { connection: 'close' }) })
    .type('application/json')
    .send(Buffer.from(refusal?.body ?? []));
}

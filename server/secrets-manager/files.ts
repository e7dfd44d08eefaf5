// Files of the secrets-manager API, put together: what records have of them, add_file, and the addresses for their bytes.
import type { FastifyInstance } from 'fastify';
import { parseAddFile } from '../../protocol/secrets-manager/requests.ts';
import type { Rate } from '../api/token-bucket.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { ChunkWrites } from '../blobs/chunk-writes.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log/logger.ts';
import type { AccessEvents } from './access-events.ts';
import { addFile } from './add-file.ts';
import { FileAddresses } from './file-addresses.ts';
import { addFileRoutes } from './file-routes.ts';
import { FileTickets } from './file-tickets.ts';
import { FileUploads } from './file-uploads.ts';
import { storedFiles } from './files-of.ts';
import { writing, type SecretsStore } from './method.ts';

export interface ApplicationFileParts extends SecretsStore {
  readonly blobs: BlobStore;
  readonly writes: ChunkWrites;
  readonly log: Logger;
  readonly rate: Rate;
  readonly events: AccessEvents;
  /** 32 bytes. */
  readonly ticketKey: Uint8Array;
  /** Bytes of all files that one account stored. */
  readonly quota: number;
  /** `https://host` of this server, once it listens. */
  readonly origin: () => string;
  readonly clock: Clock;
}

export function filesOfApplications(parts: ApplicationFileParts) {
  const { db, blobs, log, rate, quota, clock } = parts;
  const addresses = new FileAddresses({ ...parts, tickets: new FileTickets(parts.ticketKey) });
  const uploads = new FileUploads(parts);
  return {
    filesOf: storedFiles(db, addresses),
    methods: new Map([['add_file', writing(parts, parseAddFile, addFile({ addresses, quota }))]]),
    addRoutes: (app: FastifyInstance) => addFileRoutes(app, { addresses, uploads, blobs, rate, log, clock }),
  };
}

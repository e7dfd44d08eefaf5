// Blobs in an S3-compatible service.
import { S3mini, S3ServiceError } from 's3mini';
import { ProtocolError } from '../../protocol/errors.ts';
import type { Logger } from '../log/logger.ts';
import type { BlobStore } from './blob-store.ts';

export interface S3Location {
  /** Address of the bucket, without credentials. */
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A chunk is 1 MiB: over this the service is taken for gone. */
const answerMs = 20_000;

/** How services say that there is no room: HTTP's own status, and codes of AWS, MinIO, Ceph and Garage. */
const fullStatus = 507;
const fullCodes =
  /^(InsufficientStorage|QuotaExceeded|StorageQuotaExceeded|XMinioStorageFull|XMinioAdminBucketQuotaExceeded)$/;

function isFull(error: unknown): boolean {
  if (!(error instanceof S3ServiceError)) return false;
  return error.status === fullStatus || fullCodes.test(error.serviceCode ?? '');
}

/** Chunks as objects under `files/`. Every failure of the service is `unavailable` to callers, or `store-full`, and a line in the log. */
export function openS3Store(location: S3Location, log: Logger): BlobStore {
  const { bucket: endpoint, region, accessKeyId, secretAccessKey } = location;
  const s3 = new S3mini({ endpoint, region, accessKeyId, secretAccessKey, requestAbortTimeout: answerMs });
  const objectOf = (key: string) => `files/${key}`;
  const asked = async <T>(request: Promise<T>): Promise<T> => {
    try {
      return await request;
    } catch (error) {
      log.warn({ event: 'blob-store-away', err: error });
      if (isFull(error)) throw new ProtocolError('store-full', 'the store of files is full');
      throw new ProtocolError('unavailable', 'the store of files cannot be reached');
    }
  };
  return {
    put: async (key, bytes) => void (await asked(s3.putObject(objectOf(key), bytes))),
    get: async (key) => {
      const found = await asked(s3.getObjectArrayBuffer(objectOf(key)));
      return found === null ? null : new Uint8Array(found);
    },
    remove: async (keys) => {
      const removed = await asked(s3.deleteObjects(keys.map(objectOf)));
      if (removed.includes(false)) throw new ProtocolError('unavailable', 'objects were not removed');
    },
  };
}

import { mkdirSync } from 'node:fs';
import type { Logger } from '../log/logger.ts';
import type { BlobStore } from './blob-store.ts';
import { openFolderStore } from './folder-store.ts';
import { openS3Store, type S3Location } from './s3-store.ts';

export type BlobLocation = { readonly folder: string } | S3Location;

/** The store that the configuration names. Throws when its folder cannot be made. */
export function openBlobStore(location: BlobLocation, log: Logger): BlobStore {
  if (!('folder' in location)) return openS3Store(location, log);
  mkdirSync(location.folder, { recursive: true, mode: 0o700 });
  return openFolderStore(location.folder);
}

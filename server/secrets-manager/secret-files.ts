// Where files come into what applications read.
import type { SecretsFile } from '../../protocol/secrets-manager/responses.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { SecretsCall } from './method.ts';

/** A version of a record, as it is answered. */
export interface ReadVersion {
  readonly recordUid: Uid;
  readonly baseRevision: number;
  /** Files that an application took from it, and no vault yet. */
  readonly removedFiles: readonly Uint8Array[];
}

/**
 * The File entries of these versions by record, with addresses to fetch them from; only files that arrived. A record
 * without any may be absent. One query for all of them.
 */
export type FilesOf = (
  call: SecretsCall,
  versions: readonly ReadVersion[],
) => Promise<ReadonlyMap<Uid, readonly SecretsFile[]>>;

/** Of a server that keeps none. */
export const noFiles: FilesOf = async () => new Map();

// Whether the place where chunks are stored takes any more: known by what it did with the last ones.
import { ProtocolError } from '../../protocol/errors.ts';
import type { Logger } from '../log/logger.ts';
import type { BlobStore } from './blob-store.ts';

/** A store that remembers since when it is full, and says so once. */
export interface StoreRoom {
  /** Milliseconds since 1970; null while there is room, as far as anybody knows. */
  readonly fullSince: number | null;
}

/** The same store, which notices when it is full (`store-full`) and when there is room again. */
export function watchRoom(store: BlobStore, log: Logger): BlobStore & StoreRoom {
  let fullSince: number | null = null;
  const found = (full: boolean) => {
    if (full === (fullSince !== null)) return;
    fullSince = full ? Date.now() : null;
    if (full) log.error({ event: 'blob-store-full' });
    else log.info({ event: 'blob-store-has-room' });
  };
  return {
    get fullSince() {
      return fullSince;
    },
    async put(key, bytes) {
      try {
        await store.put(key, bytes);
      } catch (error) {
        if (error instanceof ProtocolError && error.code === 'store-full') found(true);
        throw error;
      }
      found(false);
    },
    get: (key) => store.get(key),
    remove: (keys) => store.remove(keys),
  };
}

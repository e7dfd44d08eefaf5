import type { Card as CardMessage, Record } from '../../../protocol/messages/gen/record_pb.js';
import type { Card } from '../../../protocol/vault/card.ts';
import type { RecordEntry } from './record-entry.ts';

/** What other devices of the account have opened, by what exactly they opened. */
export interface OpenedBefore {
  /** What lists need of that own record; null when it has to be opened. `dataHash`: SHA-256 of its sealed data. */
  entryOf(row: Record, dataHash: Uint8Array): RecordEntry | null;
  /** Null when it has to be opened. */
  cardOf(message: CardMessage): Card | null;
}

export const nothingOpened: OpenedBefore = { entryOf: () => null, cardOf: () => null };

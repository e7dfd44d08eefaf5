// What the server has for the account's applications, as it says.
import { empty, equal } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  SecretsService,
  type ListSecretsResponse,
  type SecretFolder,
  type SecretShare,
  type SecretState,
  type SecretWrite,
} from '../../../protocol/messages/gen/secrets_pb.js';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';

export interface RecordState {
  readonly baseRevision: bigint;
  readonly keyVersion: number;
  readonly holders: ReadonlySet<Uid>;
  /** Subfolder, or null, by shared folder. */
  readonly places: ReadonlyMap<Uid, Uid | null>;
  readonly files: ReadonlySet<Uid>;
  readonly written: boolean;
}

export interface ServerState {
  readonly records: Map<Uid, RecordState>;
  readonly folders: Map<Uid, SecretFolder>;
  /** By {@link shareName}. */
  readonly shares: Map<string, SecretShare>;
}

export function shareName(applicationUid: Uid, objectUid: Uid): string {
  return `${applicationUid} ${objectUid}`;
}

/** More objects than an account may have are none that it has. */
const mostPages = 1_000;
const mostObjects =
  2 * (limits.secrets.records + limits.secrets.folders) + 1_000 * limits.secrets.sealedShares;

/** All of it. `going` is asked between two pages. Throws `malformed` for lists that do not end. */
export async function readServerState(session: VaultSession, going: () => void): Promise<ServerState> {
  const state: ServerState = { records: new Map(), folders: new Map(), shares: new Map() };
  let after: Uint8Array = empty;
  for (let page = 0; page < mostPages; page++) {
    going();
    const answer = await session.call(SecretsService.method.listSecrets, { after });
    takePage(state, answer);
    if (!answer.hasMore) return state;
    if (equal(answer.next, after) || answer.next.length === 0) break;
    after = answer.next;
    if (state.records.size + state.folders.size + state.shares.size > mostObjects) break;
  }
  throw new ProtocolError('malformed', 'the list of secrets does not end');
}

/** What applications wrote, the oldest first. Throws `malformed` for a list that does not end. */
export async function readWrites(session: VaultSession, going: () => void): Promise<readonly SecretWrite[]> {
  const writes: SecretWrite[] = [];
  let after = 0n;
  while (writes.length <= limits.secrets.writes) {
    going();
    const page = await session.call(SecretsService.method.listSecretWrites, { after });
    writes.push(...page.writes);
    const last = page.writes.at(-1)?.write;
    if (!page.hasMore || last === undefined) return writes;
    if (last <= after) break;
    after = last;
  }
  throw new ProtocolError('malformed', 'the list of writes does not end');
}

function takePage(state: ServerState, { records, folders, shares }: ListSecretsResponse): void {
  for (const record of records) state.records.set(uidOf(record.recordUid), recordState(record));
  for (const folder of folders) state.folders.set(uidOf(folder.folderUid), folder);
  for (const share of shares)
    state.shares.set(shareName(uidOf(share.applicationUid), uidOf(share.objectUid)), share);
}

function recordState({
  baseRevision,
  keyVersion,
  holderUids,
  places,
  fileUids,
  written,
}: SecretState): RecordState {
  return {
    ...{ baseRevision, keyVersion, written },
    holders: new Set(holderUids.map(uidOf)),
    files: new Set(fileUids.map(uidOf)),
    places: new Map(
      places.map(({ folderUid, subfolderUid }) => [
        uidOf(folderUid),
        subfolderUid.length > 0 ? uidOf(subfolderUid) : null,
      ]),
    ),
  };
}

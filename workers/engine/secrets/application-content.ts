// The sealed record of a general application: what it has, and what its devices are called. protocol.md §31.1, §31.6.
import { ProtocolError } from '../../../protocol/errors.ts';
import { isObject } from '../../../protocol/json.ts';
import { limits } from '../../../protocol/limits.ts';
import { firstValue, type FieldValue, type RecordContent } from '../../../protocol/records/content.ts';
import { shortLine } from '../../../protocol/shown-line.ts';
import { parseUid, type Uid } from '../../../protocol/uid.ts';

/** The internal type of such records. */
export const applicationType = 'secretsApplication';

/** A record or shared folder that an application has. Here and not at the server it says who may read and write what. */
export interface SealedShare {
  readonly uid: Uid;
  readonly kind: 'record' | 'folder';
  readonly editable: boolean;
}

export interface SealedApplication {
  readonly name: string;
  readonly createdAt: number;
  readonly shares: readonly SealedShare[];
  /** Names of devices by standard base64 of their client ids. */
  readonly clients: ReadonlyMap<string, string>;
}

const most = { name: 200, clients: 250 };

/** Throws `malformed` for a name that is none, `limit-reached` for more than a record holds. */
export function applicationContent({ name, createdAt, shares, clients }: SealedApplication): RecordContent {
  if (shares.length > limits.secrets.sealedShares)
    throw new ProtocolError('limit-reached', 'the application has too much already: share folders instead');
  if (clients.size > most.clients) throw new ProtocolError('limit-reached', 'too many devices');
  return {
    type: applicationType,
    title: name,
    fields: [
      { type: 'createdAt', value: [createdAt] },
      { type: 'secretsShares', value: shares.map(textOf) },
      {
        type: 'secretsClients',
        value: [...clients].map(([clientId, called]) => ({ clientId, name: called })),
      },
    ],
  };
}

/** Strict inverse of {@link applicationContent}. Throws `malformed`. */
export function parseApplication(content: RecordContent): SealedApplication {
  if (content.type !== applicationType) throw malformed();
  const createdAt = firstValue(content, 'createdAt');
  if (typeof createdAt !== 'number') throw malformed();
  return {
    name: content.title,
    createdAt,
    shares: valuesOf(content, 'secretsShares').map(shareIn),
    clients: new Map(valuesOf(content, 'secretsClients').map(clientIn)),
  };
}

/** A name as a person typed it. Throws `malformed` for none. */
export function nameIn(typed: string): string {
  const name = shortLine(typed, most.name);
  if (name === '') throw new ProtocolError('malformed', 'it has no name');
  return name;
}

/** 31 characters: a record holds thousands. */
function textOf({ uid, kind, editable }: SealedShare): string {
  return `${kind} ${editable ? 'w' : 'r'} ${uid}`;
}

function shareIn(value: FieldValue): SealedShare {
  const match = typeof value === 'string' ? /^(record|folder) ([rw]) ([\w-]{22})$/.exec(value) : null;
  if (!match) throw malformed();
  const [, kind, access, uid = ''] = match;
  return { uid: parseUid(uid), kind: kind === 'folder' ? 'folder' : 'record', editable: access === 'w' };
}

function clientIn(value: FieldValue): readonly [string, string] {
  if (!isObject(value)) throw malformed();
  const { clientId, name } = value;
  if (typeof clientId !== 'string' || typeof name !== 'string') throw malformed();
  return [clientId, name];
}

function valuesOf({ fields }: RecordContent, type: string): readonly FieldValue[] {
  return fields.find((field) => field.type === type)?.value ?? [];
}

function malformed(): ProtocolError {
  return new ProtocolError('malformed', 'not an application');
}

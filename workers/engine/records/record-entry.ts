import type { RecordSummary } from '../../api.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Record } from '../../../protocol/messages/gen/record_pb.js';
import { firstText, firstValue, type RecordContent } from '../../../protocol/records/content.ts';
import {
  readHostname,
  readPamResources,
  readPamSettings,
  type PamResources,
} from '../../../protocol/records/pam-settings.ts';
import { templateOf } from '../../../protocol/records/templates.ts';
import type { Uid } from '../../../protocol/uid.ts';

/** What the vault remembers of an opened record: what lists, searches and sharing need, and no secret. */
export interface RecordEntry {
  readonly uid: Uid;
  readonly type: string;
  readonly title: string;
  readonly subtitle: string;
  readonly changedAt: number;
  /** Lower case: what a search looks through. */
  readonly haystack: string;
  /** Of a machine. */
  readonly machine: MachineLinks | null;
  /** Of a gateway's configuration. */
  readonly pins: PamResources | null;
}

export interface MachineLinks {
  readonly host: string;
  readonly configurationUid: Uid | null;
  readonly launchCredentialUid: Uid | null;
}

/** Condenses an opened record. */
export function describeRecord(
  uid: Uid,
  row: Pick<Record, 'changedAtMs'>,
  content: RecordContent,
): RecordEntry {
  const { type, title } = content;
  const host = hostOf(content);
  const login = firstText(content, 'login');
  const url = firstText(content, 'url');
  const typeTitle = templateOf(type)?.title ?? '';
  return {
    uid,
    type,
    title,
    subtitle: host || login || url,
    changedAt: Number(row.changedAtMs),
    haystack: [title, login, host, url, type, typeTitle].join('\n').toLowerCase(),
    machine: type === 'pamMachine' ? machineLinks(content, host) : null,
    pins: type === 'pamNetworkConfiguration' ? orNull(() => readPamResources(content)) : null,
  };
}

/** The record as a list shows it. `entries`: all of the vault, to know whether Connect may be offered. */
export function summarise(entry: RecordEntry, entries: ReadonlyMap<Uid, RecordEntry>): RecordSummary {
  const { uid, type, title, subtitle, changedAt } = entry;
  return { uid, type, title, subtitle, changedAt, connectable: isConnectable(entry, entries) };
}

/** Whether every word of the query is somewhere in the record. */
export function matches(entry: RecordEntry, query: string): boolean {
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => entry.haystack.includes(word));
}

function isConnectable({ machine }: RecordEntry, entries: ReadonlyMap<Uid, RecordEntry>): boolean {
  if (!machine?.host || !machine.configurationUid || !machine.launchCredentialUid) return false;
  const pins = entries.get(machine.configurationUid)?.pins ?? null;
  return pins !== null && entries.has(machine.launchCredentialUid);
}

/** The gateway and the credential that a machine's sealed settings name. */
function machineLinks(content: RecordContent, host = hostOf(content)): MachineLinks {
  const settings = orNull(() => readPamSettings(content));
  return {
    host,
    configurationUid: settings?.configurationUid ?? null,
    launchCredentialUid: settings?.connection.launchCredentialUid ?? null,
  };
}

function hostOf(content: RecordContent): string {
  if (firstValue(content, 'pamHostname') === null) return '';
  const name = orNull(() => readHostname(content));
  if (name === null) return '';
  const host = name.host.includes(':') ? `[${name.host}]` : name.host;
  return name.port === 22 ? host : `${host}:${name.port}`;
}

/** A field that was never filled in, or badly, is not there for a list. */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

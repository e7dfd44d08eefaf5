import { findField, type RecordContent } from '../../protocol/records/content.ts';
import { readPamSettings } from '../../protocol/records/pam-settings.ts';
import { withhold } from '../../protocol/records/withholding.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type { GatewayView, RecordSummary, RecordView } from '../../workers/api.ts';

/** A record of the fake vault, and what is shown of it. */
export interface Stored {
  revision: number;
  changedAt: number;
  content: RecordContent;
  connectionsAllowed: boolean;
  /** What it was before, the oldest first. */
  former?: readonly Omit<Stored, 'former'>[];
}

/** Whose vault it is. */
export const me = newUid();

export function summarise(uid: Uid, { content, changedAt }: Stored): RecordSummary {
  const host = findField(content, 'pamHostname')?.value[0] as { hostName?: string } | undefined;
  const login = findField(content, 'login')?.value[0];
  return {
    uid,
    type: content.type,
    title: content.title,
    subtitle: host?.hostName ?? (typeof login === 'string' ? login : ''),
    changedAt,
    connectable: content.type === 'pamMachine',
    ownerUid: me,
    access: 'owner',
    shared: false,
    folderUid: null,
    favourite: false,
    tags: [],
  };
}

export async function* holdersIn(records: ReadonlyMap<Uid, Stored>) {
  for (const [recordUid, { content, changedAt }] of records) {
    const passwords = content.fields.flatMap(({ type, value }) =>
      type === 'password' ? value.map(String) : [],
    );
    yield { recordUid, title: content.title, changedAt, passwords };
  }
}

export function textOf({ title, subtitle, type }: RecordSummary): string {
  return `${title} ${subtitle} ${type}`.toLowerCase();
}

export function viewOf(uid: Uid, { revision, changedAt, content, connectionsAllowed }: Stored): RecordView {
  const place = {
    ownerUid: me,
    access: 'owner',
    unconfirmed: false,
    trashed: false,
    folderUid: null,
    favourite: false,
    tags: [],
  } as const;
  return { uid, revision, changedAt, ...withhold(content), connectionsAllowed, gatewayUid: null, ...place };
}

export function gatewayOf({ content }: Stored, gateways: readonly GatewayView[]): Uid | null {
  try {
    const { configurationUid } = readPamSettings(content);
    return gateways.find((gateway) => gateway.configurationUid === configurationUid)?.uid ?? null;
  } catch {
    return null; // as the worker answers for settings that are not valid
  }
}

import { firstText } from '../../../protocol/records/content.ts';
import { opensUnlinked, readPamSettings, requireSession } from '../../../protocol/records/pam-settings.ts';
import { readSessionSettings } from '../../../protocol/records/session-settings.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { JumpCard, LaunchCard } from '../../../protocol/vault/launch-card.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { Draft } from './draft.ts';
import type { RecordBook } from './record-book.ts';
import { describeRecord, subtitleOf } from './record-entry.ts';
import { uidBytes } from '../../../protocol/uid.ts';

/**
 * What others need to connect to an own machine (protocol.md §9.9), from its settings, its gateway's pins and its
 * launch credential as they are or are about to be; null for what cannot be connected to.
 */
export function launchCardOf(
  draft: Draft,
  drafts: readonly Draft[],
  book: RecordBook,
  accountUid: Uid,
): LaunchCard | null {
  const { content } = draft;
  const trafficSeed = firstText(content, 'trafficEncryptionSeed');
  const settings = content.type === 'pamMachine' && trafficSeed !== '' ? settingsOf(draft) : null;
  const credentialUid = settings?.connection.launchCredentialUid;
  if (!settings?.configurationUid || (!credentialUid && !opensUnlinked(settings))) return null;
  const configurationRevision = revisionAfter(settings.configurationUid, drafts, book);
  const credentialRevision = credentialUid ? revisionAfter(credentialUid, drafts, book) : 0;
  const configuration = drafts.find(({ uid }) => uid === settings.configurationUid);
  const pins = configuration
    ? entryOf(configuration, accountUid).pins
    : book.entry(settings.configurationUid)?.pins;
  if (!pins?.gatewayKey || !configurationRevision || (credentialUid && !credentialRevision)) return null;
  const { jumpMachineUid: jumpUid } = settings.connection;
  const jump = jumpUid === undefined ? null : jumpCardOf(jumpUid, drafts, book, accountUid);
  if (jumpUid !== undefined && jump === null) return null;
  const entry = entryOf(draft, accountUid);
  return {
    type: entry.type,
    title: entry.title,
    subtitle: subtitleOf(entry),
    protocol: settings.connection.protocol,
    gatewayUid: pins.controllerUid,
    gatewayKey: pins.gatewayKey,
    applicationUid: pins.applicationUid,
    configurationUid: settings.configurationUid,
    configurationRevision,
    launchCredentialUid: credentialUid ?? '',
    credentialRevision,
    trafficSeed,
    hostKey: settings.connection.hostKey ?? '',
    ...(jump && { jump }),
  };
}

/** null when nobody can come through it. */
function jumpCardOf(
  recordUid: Uid,
  drafts: readonly Draft[],
  book: RecordBook,
  accountUid: Uid,
): JumpCard | null {
  const draft = drafts.find(({ uid }) => uid === recordUid);
  const machine = (draft ? entryOf(draft, accountUid) : book.entry(recordUid))?.machine;
  const revision = revisionAfter(recordUid, drafts, book);
  const credentialUid = machine?.launchCredentialUid;
  const credentialRevision = credentialUid ? revisionAfter(credentialUid, drafts, book) : 0;
  return revision && credentialRevision ? { recordUid, revision, credentialRevision } : null;
}

/** A draft as lists would show it. */
export function entryOf({ uid, ownerUid, content, deleted = false }: Draft, accountUid: Uid) {
  const row = {
    recordUid: uidBytes(uid),
    ownerUid: uidBytes(ownerUid ?? accountUid),
    changedAtMs: 0n,
    deleted,
  };
  return describeRecord(row, content);
}

function settingsOf({ content }: Draft) {
  try {
    const settings = readPamSettings(content);
    requireSession(settings);
    readSessionSettings(content);
    return settings;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** The revision that a record has once the drafts are written; 0 when it is not there. */
function revisionAfter(uid: Uid, drafts: readonly Draft[], book: RecordBook): number {
  const draft = drafts.find((one) => one.uid === uid);
  if (draft) return Number(draft.baseRevision) + 1;
  return book.has(uid) ? (book.get(uid)?.revision ?? 0) : 0;
}

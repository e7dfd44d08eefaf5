import type { Bytes } from '../../protocol/bytes.ts';
import { framesVersion } from '../../protocol/channel/frame.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { ConnectReplySchema } from '../../protocol/messages/gen/command_pb.js';
import type { SessionSettings } from '../../protocol/records/session-settings.ts';
import type { Uid } from '../../protocol/uid.ts';
import { driveName } from '../drive/drives.ts';
import { missingOf, type GatewayOffers } from '../guacd/offers.ts';
import { fileSettingsOf } from '../files/session-files.ts';
import type { Machine } from '../secrets/machine.ts';
import { isWatchable, sharingCodes, sharingOf, type SharedTerms } from '../sharing/share-policy.ts';
import type { RecordingNotice } from './session-recordings.ts';

/** What a page needs to come to its session, and what it is told of it. */
export interface OpenedSession {
  readonly answer: string;
  readonly detourKey: Bytes;
  readonly token: Bytes;
  readonly fileToken: Bytes | null;
  readonly recording: RecordingNotice | null;
  /** Administrators may look on at it, by the policy of the gateway; null: none may. */
  readonly watch: { readonly silent: boolean } | null;
}

/** For how long a session may be had without a word of its vault. */
export interface SessionTimes {
  readonly accessLeaseMs: number;
  readonly resumeMs: number;
}

/** The encoded ConnectReply to a session's owner. protocol.md §12. */
export function encodeConnectReply(
  { connection, settings }: Pick<Machine, 'connection' | 'settings'>,
  offers: GatewayOffers,
  { answer, detourKey, token, fileToken, recording, watch }: OpenedSession,
  terms: SharedTerms | null,
  times: SessionTimes,
): Bytes {
  const { disableCopy, disablePaste, watermark } = connection;
  const shown = { disableCopy, disablePaste, watermark, ...descriptionOf(settings) };
  const files = filesOf(settings, offers, fileToken);
  const missing = missingOf(settings, offers);
  return encodeMessage(ConnectReplySchema, {
    ...{ answer, detourKey, streamToken: token, ...shown, ...times },
    frames: framesVersion,
    ...(recording && { recording }),
    sharing: sharingCodes[terms?.sharing ?? 'off'],
    ...(files && { files }),
    ...(missing && { missing }),
    ...(watch && terms?.watchable && { watch }),
  });
}

/** What guests are told and held to: they have no window of their own that the session takes on. */
export function termsOf(machine: Machine, accountUid: Uid, recording: RecordingNotice | null): SharedTerms {
  const { disableCopy, disablePaste, watermark } = machine.connection;
  const { resizes: _resizes, ...described } = descriptionOf(machine.settings);
  const shown = { disableCopy, disablePaste, watermark, ...described };
  return { sharing: sharingOf(machine, accountUid), watchable: isWatchable(machine), shown, recording };
}

/** What the page has to know to show it, whoever may not read the record. */
function descriptionOf(settings: SessionSettings) {
  const { protocol } = settings;
  const resizes = protocol === 'rdp' ? settings.resizes : protocol !== 'vnc';
  return { protocol, resizes, certificateIgnored: protocol === 'rdp' && settings.ignoreCert };
}

/** What the reply says of the machine's files. */
function filesOf(settings: SessionSettings, offers: GatewayOffers, token: Bytes | null) {
  const files = fileSettingsOf(settings, offers);
  if (files === null || token === null) return null;
  const { upload, download } = files;
  return { token, upload, download, drive: settings.protocol === 'rdp' ? driveName : '' };
}

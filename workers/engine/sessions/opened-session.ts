import type { RecordingNotice, SessionFilesNotice, SessionStarted } from '../../api.ts';
import { copy } from '../../../protocol/bytes.ts';
import type {
  ConnectReply,
  GuestRole,
  RecordingNotice as RecordingNoticeMessage,
  RemoteFiles,
} from '../../../protocol/messages/gen/command_pb.js';
import { sessionProtocols, sharingPolicies } from '../../../protocol/records/pam-settings.ts';

const longestDriveName = 64;

/** What a gateway said of a session that it opened, as the page gets it. */
export function describeOpened(
  reply: ConnectReply,
): Omit<SessionStarted, 'sessionUid' | 'gatewayUid' | 'detour'> {
  const { answer, streamToken, resumeMs, recording, files, guest, sharing, missing, watch } = reply;
  const { disableCopy, disablePaste, resizes, certificateIgnored, watermark } = reply;
  return {
    ...{ answer: answer || null, streamToken: copy(streamToken), resumeMs },
    clipboard: { disableCopy, disablePaste },
    // One that this version does not know is shown as it would show a desktop.
    protocol: sessionProtocols.find((known) => known === reply.protocol) ?? 'vnc',
    ...{ resizes, certificateIgnored, watermark, sharing: sharingPolicies[sharing] ?? 'off' },
    recording: recording ? noticeOf(recording) : null,
    files: files ? filesOf(files) : null,
    missing: missing ? { drive: missing.drive, sound: missing.sound } : null,
    guest: guest ? partOf(guest) : null,
    watch: watch ? { silent: watch.silent } : null,
  };
}

function partOf({ hostEmail, typing, untilMs, byPolicy, silent }: GuestRole) {
  return { hostEmail, typing, until: Number(untilMs), byPolicy, silent };
}

/** The drive's name is shown, and goes nowhere. */
function filesOf({ token, upload, download, drive }: RemoteFiles): SessionFilesNotice {
  return { token: copy(token), upload, download, drive: drive.slice(0, longestDriveName) };
}

function noticeOf({
  graphical,
  text,
  keys,
  clipboard,
  failed,
  waiting,
}: RecordingNoticeMessage): RecordingNotice {
  return { graphical, text, keys, clipboard, failed, waiting };
}

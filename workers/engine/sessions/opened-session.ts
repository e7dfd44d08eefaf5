import type { RecordingNotice, SessionFilesNotice, SessionStarted } from '../../api.ts';
import { copy } from '../../../protocol/bytes.ts';
import type {
  ConnectReply,
  GuestRole,
  RecordingNotice as RecordingNoticeMessage,
  RemoteFiles,
} from '../../../protocol/messages/gen/command_pb.js';
import { sessionProtocols, sharingPolicies } from '../../../protocol/records/pam-settings.ts';

/** What a gateway said of a session that it opened, as the page gets it. */
export function describeOpened(
  reply: ConnectReply,
): Omit<SessionStarted, 'sessionUid' | 'gatewayUid' | 'detour'> {
  const { answer, streamToken, resumeMs, recording, files, guest, sharing } = reply;
  const { disableCopy, disablePaste, resizes, certificateIgnored, watermark } = reply;
  return {
    ...{ answer: answer || null, streamToken: copy(streamToken), resumeMs },
    clipboard: { disableCopy, disablePaste },
    // One that this version does not know is shown as it would show a desktop.
    protocol: sessionProtocols.find((known) => known === reply.protocol) ?? 'vnc',
    ...{ resizes, certificateIgnored, watermark, sharing: sharingPolicies[sharing] ?? 'off' },
    recording: recording ? noticeOf(recording) : null,
    files: files ? filesOf(files) : null,
    guest: guest ? partOf(guest) : null,
  };
}

function partOf({ hostEmail, typing, untilMs }: GuestRole) {
  return { hostEmail, typing, until: Number(untilMs) };
}

function filesOf({ token, upload, download }: RemoteFiles): SessionFilesNotice {
  return { token: copy(token), upload, download };
}

function noticeOf({ graphical, text, keys, clipboard, failed }: RecordingNoticeMessage): RecordingNotice {
  return { graphical, text, keys, clipboard, failed };
}

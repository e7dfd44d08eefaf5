import type { RecordingFacts, RecordingSummary, RecordingTypist } from '../../workers/api.ts';
import { shownName } from '../../protocol/records/shown-name.ts';
import { connectionKindOf } from '../../protocol/records/connection-protocols.ts';
import { sessionProtocols } from '../../protocol/records/pam-settings.ts';
import { whenText } from '../components/when.ts';
import { endTitle } from '../session/failures/failures.ts';

/** "1:02:03", "2:03": as players write it. */
export function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = String(seconds % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** "1 hour 2 minutes 3 seconds", for who hears it. */
export function spokenTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [
    [Math.floor(seconds / 3600), 'hour'],
    [Math.floor(seconds / 60) % 60, 'minute'],
    [seconds % 60, 'second'],
  ] as const;
  const said = parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}${plural(count)}`);
  return said.length === 0 ? '0 seconds' : said.join(' ');
}

/** Who typed at that moment: of whoever typed last before it. Null: nobody but whose session it was. */
export function typistAt(typists: readonly RecordingTypist[], atMs: number): RecordingTypist | null {
  const last = typists.findLast((one) => one.atMs <= atMs) ?? null;
  return last === null || last.host ? null : last;
}

/** Stretches in which somebody else typed than whose session it was. */
export function guestStretches(
  typists: readonly RecordingTypist[],
  lengthMs: number,
): readonly { readonly fromMs: number; readonly toMs: number; readonly name: string }[] {
  return typists.flatMap((one, at) => {
    const toMs = typists[at + 1]?.atMs ?? lengthMs;
    return one.host ? [] : [{ fromMs: one.atMs, toMs, name: typistName(one) }];
  });
}

export function typistName({ email }: RecordingTypist): string {
  return email === '' ? 'Somebody who left the organisation' : shownName(email);
}

export function plural(count: number): string {
  return count === 1 ? '' : 's';
}

const ends: ReadonlyMap<string, string> = new Map([
  ...['closed', 'ended-by-command'].map((code) => [code, 'Ended'] as const),
  ...['not-opened', 'stream-not-opened'].map((code) => [code, 'Not opened'] as const),
  ...['unknown', 'unmet', 'mismatch'].map((why) => [`certificate-${why}`, 'Not opened'] as const),
  ...['peer-lost', 'browser-silent'].map((code) => [code, 'Connection lost'] as const),
  ['idle-timeout', 'Ended when idle'],
  ['time-limit', 'Time was over'],
  ['signed-out', 'Access ended'],
  ['gateway-stopping', 'Gateway stopped'],
  ['gateway-lost', 'The server lost the gateway'],
  ['host-left', 'Its host ended it'],
  ...['recording-failed', 'recording-no-room'].map((code) => [code, 'It could not be recorded'] as const),
]);

/** Why a session ended, in a word or two. */
export function endText(code: string): string {
  return ends.get(code) ?? endOf(code);
}

/** Of a code that has no words of its own. */
function endOf(reason: string): string {
  if (reason.startsWith('access-')) return 'Access ended';
  if (reason.startsWith('host-key')) return 'Not opened';
  return endTitle(reason) ?? `Ended: ${reason}`;
}

/** What became of it, in a word or two. */
export function stateText({ said }: Pick<RecordingSummary, 'said'>): string {
  if (said === null) return 'Not a gateway’s';
  const words: Readonly<Record<RecordingFacts['state'], string>> = {
    running: 'No end yet',
    ended: 'Ended',
    interrupted: 'Interrupted',
    'recording-failed': 'Recording failed',
    forged: 'End is not signed',
  };
  return said.state === 'ended' ? endText(said.reason) : words[said.state];
}

export type StateTone = 'plain' | 'live' | 'caution' | 'danger';

export function stateTone({ said }: Pick<RecordingSummary, 'said'>): StateTone {
  if (said === null || said.state === 'forged' || said.gateway.key === 'other') return 'danger';
  if (said.state === 'running') return 'live';
  return said.state === 'ended' ? 'plain' : 'caution';
}

export function protocolTitle(protocol: string): string {
  const known = sessionProtocols.find((one) => one === protocol);
  return known ? connectionKindOf(known).title : protocol.toUpperCase();
}

/** "picture, text and keys": of a terminal's text the picture is drawn. */
export function tracksText({ graphical, text, keys, clipboard }: RecordingFacts): string {
  const parts = [
    ...(graphical || text ? ['picture'] : []),
    ...(text ? ['text'] : []),
    ...(keys ? ['keys'] : []),
    ...(clipboard ? ['clipboard'] : []),
  ];
  return parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : (parts[0] ?? '');
}

/** What a listing is searched by. */
export function searchedText({ said }: RecordingSummary): string {
  if (said === null) return '';
  const { title, email, protocol, startedAt } = said;
  return [title, email, protocolTitle(protocol), whenText(startedAt)].join(' ').toLowerCase();
}

/** A name for the saved file: the machine's, and when. */
export function fileNameOf({ title, startedAt }: RecordingFacts): string {
  const at = new Date(startedAt).toISOString().slice(0, 16).replace('T', ' ').replace(':', '-');
  return `${title || 'session'} ${at}.recording`;
}

import { connectionKindOf, type ConnectionProtocol } from '../../protocol/records/connection-protocols.ts';
import { firstValue, type RecordContent } from '../../protocol/records/content.ts';
import { readHostname, readPamSettings, settingsFieldOf } from '../../protocol/records/pam-settings.ts';
import type { RecordView } from '../../workers/api.ts';
import { settingLines, type SettingLine } from './fields/setting-lines.ts';

/** One part of where a machine leads, as it was confirmed and as it is. */
export interface ConnectionChange {
  readonly title: string;
  readonly before: string;
  readonly after: string;
}

/** What a record is called, or null for one that is not known. */
type TitleOf = (uid: string) => string | null;

/**
 * What decides who is given the credential, where it differs; against nothing, all of it that there is. A record is said
 * by its title; by its UID, too, where it has none or where the title is no difference: whoever may edit the machine may
 * have chosen one that is called the same.
 */
export function connectionChanges(
  before: RecordView | null,
  after: RecordView,
  titleOf: TitleOf,
): ConnectionChange[] {
  const [former, present] = [before ? partsOf(before) : null, partsOf(after)];
  return [...new Map([...present, ...(former ?? [])]).keys()].flatMap((title) => {
    const [was, is] = [former?.get(title), present.get(title)];
    if (was?.text === is?.text && was?.uid === is?.uid) return [];
    const texts = [was, is].map((line) => textOf(line, titleOf));
    const [first = '', second = ''] =
      texts[0] === texts[1] ? [was, is].map((line) => exactTextOf(line, titleOf)) : texts;
    return [{ title, before: former === null ? '' : first, after: second }];
  });
}

function textOf(line: SettingLine | undefined, titleOf: TitleOf): string {
  if (line?.uid !== undefined) return titleOf(line.uid) ?? `record ${line.uid}`;
  return line?.text ?? 'not set';
}

function exactTextOf(line: SettingLine | undefined, titleOf: TitleOf): string {
  return line?.uid === undefined ? textOf(line, titleOf) : `${textOf(line, titleOf)} (${line.uid})`;
}

/** Some of them lead elsewhere as much as another host does: a repeater, a certificate that is not checked. */
function furtherSettings(content: RecordContent, protocol: ConnectionProtocol): readonly SettingLine[] {
  return settingLines(
    firstValue(content, settingsFieldOf(content.type)),
    connectionKindOf(protocol).settings,
  );
}

function partsOf({ content }: RecordView): ReadonlyMap<string, SettingLine> {
  const lines = linesOf(content);
  return new Map(lines.map((line) => [line.title, line]));
}

function linesOf(content: RecordContent): readonly SettingLine[] {
  try {
    const { host, port } = readHostname(content);
    const { configurationUid, connection } = readPamSettings(content);
    const { protocol, launchCredentialUid, hostKey = '', hostKeyPolicy } = connection;
    return [
      { title: 'Host', text: `${host}, port ${port}` },
      { title: 'Protocol', text: protocol },
      recordLine('Launch credential', launchCredentialUid),
      recordLine('Gateway', configurationUid),
      { title: 'Host key', text: hostKey === '' ? 'not pinned' : hostKey },
      { title: 'Unknown host keys', text: hostKeyPolicy },
      ...furtherSettings(content, protocol),
    ];
  } catch {
    return [{ title: 'Host', text: 'no valid host or settings' }];
  }
}

function recordLine(title: string, uid: string | null | undefined): SettingLine {
  return uid ? { title, text: '', uid } : { title, text: 'none' };
}

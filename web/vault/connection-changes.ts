import { connectionKindOf, type ConnectionProtocol } from '../../protocol/records/connection-protocols.ts';
import { firstValue, type RecordContent } from '../../protocol/records/content.ts';
import { readHostname, readPamSettings, settingsFieldOf } from '../../protocol/records/pam-settings.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { RecordView } from '../../workers/api.ts';
import { settingLines } from './fields/setting-lines.ts';

/** One part of where a machine leads, as it was confirmed and as it is. */
export interface ConnectionChange {
  readonly title: string;
  readonly before: string;
  readonly after: string;
}

/** What decides who is given the credential, where it differs; against nothing, all of it that there is. */
export function connectionChanges(
  before: RecordView | null,
  after: RecordView,
  titleOf: (uid: Uid) => string,
): ConnectionChange[] {
  const [former, present] = [before ? partsOf(before, titleOf) : null, partsOf(after, titleOf)];
  return Object.entries(present)
    .map(([title, value]) => ({ title, before: former?.[title] ?? '', after: value }))
    .filter((change) => change.before !== change.after);
}

/** Some of them lead elsewhere as much as another host does: a repeater, a certificate that is not checked. */
function furtherSettings(content: RecordContent, protocol: ConnectionProtocol): string {
  const lines = settingLines(
    firstValue(content, settingsFieldOf(content.type)),
    connectionKindOf(protocol).settings,
  );
  return lines.map(({ title, text }) => `${title}: ${text}`).join(', ') || 'none';
}

function partsOf({ content }: RecordView, titleOf: (uid: Uid) => string): Readonly<Record<string, string>> {
  try {
    const { host, port } = readHostname(content);
    const { configurationUid, connection } = readPamSettings(content);
    const { protocol, launchCredentialUid, hostKey = '', hostKeyPolicy } = connection;
    return {
      Host: `${host}, port ${port}`,
      Protocol: protocol,
      'Launch credential': launchCredentialUid ? titleOf(launchCredentialUid) : 'none',
      Gateway: configurationUid ? titleOf(configurationUid) : 'none',
      'Host key': hostKey === '' ? 'not pinned' : hostKey,
      'Unknown host keys': hostKeyPolicy,
      'Further settings': furtherSettings(content, protocol),
    };
  } catch {
    return { Host: 'no valid host or settings' };
  }
}

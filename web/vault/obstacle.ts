import { connectionKindOf } from '../../protocol/records/connection-protocols.ts';
import {
  opensUnlinked,
  readHostname,
  readPamSettings,
  sessionProtocols,
} from '../../protocol/records/pam-settings.ts';
import { readSessionSettings } from '../../protocol/records/session-settings.ts';
import type { RecordView } from '../../workers/api.ts';

/** What is missing before a session can be opened, or null. */
export function obstacleToConnect(view: RecordView): string | null {
  if (!view.connectionsAllowed) return 'Connections to this machine are switched off.';
  if (view.access === 'launch') return null; // its owner sees to the rest
  try {
    readHostname(view.content);
    const settings = readPamSettings(view.content);
    const { protocol } = settings.connection;
    if (!sessionProtocols.some((known) => known === protocol))
      return `No sessions open over ${connectionKindOf(protocol).title} so far. What is set here for it is kept.`;
    readSessionSettings(view.content);
    if (settings.configurationUid === undefined) return 'Choose a gateway under Edit to connect.';
    if (settings.connection.launchCredentialUid === undefined && !opensUnlinked(settings))
      return 'Choose a launch credential under Edit to connect.';
    if (view.unconfirmed)
      return view.access === 'owner'
        ? 'Confirm where this machine leads first.'
        : 'Its owner has not confirmed yet where this machine leads.';
    return null;
  } catch {
    return 'Host, port or settings of this machine are not valid. Correct them under Edit.';
  }
}

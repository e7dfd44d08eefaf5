import { connectionKindOf } from '../../protocol/records/connection-protocols.ts';
import { readHostname, readPamSettings } from '../../protocol/records/pam-settings.ts';
import type { RecordView } from '../../workers/api.ts';

/** What is missing before a session can be opened, or null. */
export function obstacleToConnect(view: RecordView): string | null {
  if (!view.connectionsAllowed) return 'Connections to this machine are switched off.';
  if (view.access === 'launch') return null; // its owner sees to the rest
  try {
    readHostname(view.content);
    const settings = readPamSettings(view.content);
    if (settings.connection.protocol !== 'ssh')
      return `Sessions open over SSH so far. What is set here for ${connectionKindOf(settings.connection.protocol).title} is kept.`;
    if (settings.configurationUid === undefined) return 'Choose a gateway under Edit to connect.';
    if (settings.connection.launchCredentialUid === undefined)
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

import type { SessionSettings } from '../../protocol/records/session-settings.ts';

/** What of RDP this gateway can offer: its guacd has the plug-ins for it, and there is a folder for drives. */
export interface GatewayOffers {
  readonly drive: boolean;
  readonly sound: boolean;
}

/** What the record has, and this gateway has not; null: nothing. */
export function missingOf(settings: SessionSettings, offers: GatewayOffers): GatewayOffers | null {
  if (settings.protocol !== 'rdp') return null;
  const drive = settings.drive !== null && !offers.drive;
  const sound = !settings.disableAudio && !offers.sound;
  return drive || sound ? { drive, sound } : null;
}

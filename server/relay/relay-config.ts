import { parseIceUrl } from '../../protocol/channel/ice-servers.ts';
import { limits } from '../../protocol/limits.ts';
import type { SettingName } from '../settings.ts';
import type { RelayConfig } from './relay-credentials.ts';

type Refuse = (name: SettingName, problem: string) => Error;
type Values = Readonly<Partial<Record<SettingName, string>>>;

/** 128 bits as hexadecimal text: whoever knows the secret can use the relay for anything. */
const shortestSecret = 32;
const lifetime = { usual: '600', least: 60, most: 86_400 };

/** The relay of the settings, null without one. Throws what `refuse` makes; the secret is never quoted. */
export function readRelay(values: Values, refuse: Refuse): RelayConfig | null {
  const urls = (values.RELAY_URLS ?? '').split(/[\s,]+/).filter((url) => url !== '');
  const secret = values.RELAY_SECRET || null;
  if (urls.length === 0) {
    if (secret !== null) throw refuse('RELAY_URLS', 'must be given together with RELAY_SECRET');
    return null;
  }
  if (urls.length > limits.iceServers.urls)
    throw refuse('RELAY_URLS', `must be ${limits.iceServers.urls} addresses at most`);
  const relays = urls.filter((url) => schemeOf(url, refuse) !== 'stun');
  if (relays.length > 0 && (secret?.length ?? 0) < shortestSecret)
    throw refuse(
      'RELAY_SECRET',
      `must be at least ${shortestSecret} characters, as in the TURN server's own file`,
    );
  return { urls, secret: relays.length > 0 ? secret : null, lifetimeSeconds: secondsIn(values, refuse) };
}

function schemeOf(url: string, refuse: Refuse): string {
  try {
    return parseIceUrl(url).scheme;
  } catch (error) {
    throw refuse('RELAY_URLS', `${url}: ${error instanceof Error ? error.message : 'not an address'}`);
  }
}

function secondsIn({ RELAY_LIFETIME: text = lifetime.usual }: Values, refuse: Refuse): number {
  const seconds = Number(text);
  if (!/^\d{1,5}$/.test(text) || seconds < lifetime.least || seconds > lifetime.most)
    throw refuse('RELAY_LIFETIME', `must be ${lifetime.least} to ${lifetime.most} seconds`);
  return seconds;
}

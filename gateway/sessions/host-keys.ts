import type { ConnectRequest } from '../../protocol/messages/gen/command_pb.js';
import { Refusal } from '../router/refusal.ts';
import { isSameKey } from '../ssh/host-key.ts';
import type { Machine } from '../secrets/machine.ts';

/** A pin that no key has. */
const nothing = '';

/**
 * The host keys that a session may meet: of the copy, and of the vault itself. What another than the owner says counts
 * only against the copy, never for a key that the owner has not seen: it could be their own host that they send the
 * owner's password to. Throws `not-allowed`.
 */
export function trustedHostKeys(
  { connection }: Pick<Machine, 'connection'>,
  { pinnedHostKey, acceptedHostKey }: Pick<ConnectRequest, 'pinnedHostKey' | 'acceptedHostKey'>,
  byOwner: boolean,
): readonly string[] {
  const { hostKey = '' } = connection;
  if (!byOwner && hostKey === '' && (pinnedHostKey !== '' || acceptedHostKey !== ''))
    throw new Refusal('not-allowed', 'only the owner of the machine may accept its host key');
  return pinnedKeys([hostKey, pinnedHostKey], acceptedHostKey);
}

/**
 * The pins of the copy that the server gave and of the vault itself: with both, a key must be both. Without any, the key
 * that a person has just been shown and accepted.
 */
export function pinnedKeys(pins: readonly (string | undefined)[], accepted: string): readonly string[] {
  const [pin, ...others] = pins.filter((one) => one !== undefined && one !== '');
  if (pin === undefined) return accepted === '' ? [] : [accepted];
  return [others.every((other) => isSameKey(pin, other)) ? pin : nothing];
}

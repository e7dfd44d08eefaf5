import type { SuppliedCredential } from '../../protocol/messages/gen/command_pb.js';
import type { ConnectionSettings } from '../../protocol/records/pam-settings.ts';
import { Refusal } from '../router/refusal.ts';
import { credentialOf, type Credential } from './machine.ts';

/**
 * What the person who connects has given, sealed in the request under the session's keys. The record says whether it may
 * be; it lives as long as the login needs it. Throws `not-allowed`, or `malformed` for what is too long.
 */
export function suppliedCredential(
  { allowSupplyUser }: Pick<ConnectionSettings, 'allowSupplyUser'>,
  { username, password, privateKey, passphrase }: SuppliedCredential,
): Credential {
  if (!allowSupplyUser) throw new Refusal('not-allowed', 'the machine takes no logins of users');
  return credentialOf({ username, password, privateKey, passphrase }, 'malformed');
}

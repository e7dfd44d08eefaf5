import { create } from '@bufbuild/protobuf';
import { copy, equal, type Bytes } from '../../../protocol/bytes.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { SignedRosterSchema, type SignedRoster } from '../../../protocol/messages/gen/account_pb.js';
import type { GetOrganisationResponse } from '../../../protocol/messages/gen/organisation_pb.js';
import { applyRosterDelta } from '../../../protocol/signed/roster-delta.ts';

/**
 * The newest roster of an answer, whole: made from the one that this device has when the answer brings what changed since.
 * Throws `malformed` or `too-large` when that makes another one than the last link names. protocol.md §20.8.
 */
export function wholeRoster(
  { roster, deltas, links }: GetOrganisationResponse,
  known: SignedRoster | undefined,
): SignedRoster | undefined {
  if (!roster || deltas.length === 0) return roster;
  if (!known) throw new ProtocolError('malformed', 'changes of a roster that nobody has');
  let bytes: Bytes = copy(known.roster);
  for (const delta of deltas) bytes = applyRosterDelta(bytes, delta);
  if (!equal(sha256(bytes), links.at(-1)?.rosterHash ?? new Uint8Array(0)))
    throw new ProtocolError('malformed', 'the changes make another roster');
  return create(SignedRosterSchema, { ...roster, roster: bytes });
}

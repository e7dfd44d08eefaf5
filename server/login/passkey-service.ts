import type {
  FinishPasskeyRequest,
  PasskeyService,
  RemovePasskeyRequest,
  RenamePasskeyRequest,
} from '../../protocol/messages/gen/factor_pb.js';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import { checkName, checkSealedKey } from './bundle.ts';
import { Ceremonies } from './ceremonies.ts';
import { addPasskey, listPasskeys } from './passkeys.ts';
import { requireRecentLogin } from './recent-login.ts';
import type { FactorParts } from './second-factor-service.ts';
import { relyingPartyOf, requireParty, verifyAttestation } from './webauthn.ts';

/** protocol.md §8.9. */
export function passkeyHandlers(parts: FactorParts): Handlers<typeof PasskeyService> {
  const { db, head, log, publicUrl } = parts;
  const ceremonies = new Ceremonies();

  function changed(accountUid: Uid, event: string): void {
    head.publish(`acct.${accountUid}`, { kind: 'account-news' });
    log.info({ event, account: accountUid });
  }

  async function readPasskeys(_input: unknown, { session }: SignedInCall) {
    return { passkeys: await listPasskeys(db, session.accountUid) };
  }

  async function startPasskey(_input: unknown, { session, now, host }: SignedInCall) {
    requireRecentLogin(session, now);
    const party = requireParty(relyingPartyOf(publicUrl, host));
    const { ceremonyUid, bytes } = ceremonies.begin(session.accountUid, 32, party, now);
    const passkeys = await listPasskeys(db, session.accountUid);
    return { ceremonyUid, challenge: bytes, existingIds: passkeys.map(({ credentialId }) => credentialId) };
  }

  async function finishPasskey(input: FinishPasskeyRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
    const { accountUid } = session;
    const name = checkName(input.name);
    const sealedDataKey = checkSealedKey(input.sealedDataKey);
    const { bytes: challenge, party: made } = ceremonies.take(accountUid, input.ceremonyUid, now);
    const party = requireParty(made);
    const expected = { party, challenge, userVerification: true };
    const credential = await verifyAttestation(input.attestation, expected);
    const passkeyUid = await db
      .transaction()
      .execute((tx) => addPasskey(tx, accountUid, { credential, rpId: party.id, name, sealedDataKey, now }));
    changed(accountUid, 'passkey-added');
    return { passkeyUid: uidBytes(passkeyUid) };
  }

  async function renamePasskey(input: RenamePasskeyRequest, { session }: SignedInCall) {
    const { numUpdatedRows } = await db
      .updateTable('passkey')
      .set({ name: checkName(input.name) })
      .where('account_uid', '=', uidBytes(session.accountUid))
      .where('passkey_uid', '=', input.passkeyUid)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw new ProtocolError('not-found', 'no such passkey');
    changed(session.accountUid, 'passkey-renamed');
    return {};
  }

  async function removePasskey(input: RemovePasskeyRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
    const { numDeletedRows } = await db
      .deleteFrom('passkey')
      .where('account_uid', '=', uidBytes(session.accountUid))
      .where('passkey_uid', '=', input.passkeyUid)
      .executeTakeFirst();
    if (numDeletedRows === 0n) throw new ProtocolError('not-found', 'no such passkey');
    changed(session.accountUid, 'passkey-removed');
    return {};
  }

  return {
    listPasskeys: signedIn(readPasskeys),
    startPasskey: signedIn(startPasskey),
    finishPasskey: signedIn(finishPasskey),
    renamePasskey: signedIn(renamePasskey),
    removePasskey: signedIn(removePasskey),
  };
}

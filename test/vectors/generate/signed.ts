import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  AccountCertificateBodySchema,
  KeySuccessionBodySchema,
  RosterSchema,
} from '../../../protocol/messages/gen/account_pb.js';
import {
  CommandSchema,
  ResumeRequestSchema,
  SignedReplySchema,
  SignedResumeSchema,
} from '../../../protocol/messages/gen/command_pb.js';
import {
  SessionInvitationSchema,
  SignedSessionInvitationSchema,
} from '../../../protocol/messages/gen/session-share_pb.js';
import {
  context,
  ecies,
  flip,
  hex,
  highS,
  keyPair,
  seed,
  sha256,
  sign,
  uid,
  uint64,
  utf8,
} from './independent.ts';

const account = keyPair('account signing key');
const accountEcdh = keyPair('account ecdh key');
const stranger = keyPair('stranger');
const accountUid = uid('account');
const organisationUid = uid('organisation');
const none = new Uint8Array(0);

/** §12 */
export function commands(): object[] {
  const label = 'sallyport/v1/signature/command';
  const payload = seed('sealed payload', 100);
  const issued = 1_800_000_000_000;
  const fields = {
    commandUid: seed('command uid', 16),
    kind: 1,
    gatewayUid: uid('gateway').bytes,
    recordUid: uid('record').bytes,
    accountUid: accountUid.bytes,
    issuedAtMs: BigInt(issued),
    expiresAtMs: BigInt(issued + 30_000),
    rosterVersion: 3n,
    payloadHash: sha256(payload),
    sessionUid: uid('session').bytes,
    sessionNonce: seed('session nonce', 16),
  };
  const encode = (change: object = {}) => encodeMessage(CommandSchema, { ...fields, ...change });
  const command = encode();
  const base = {
    publicKey: hex(account.publicKey),
    command: hex(command),
    signature: hex(sign(account.privateKey, label, command)),
    sealedPayload: hex(payload),
    nowMs: issued + 1000,
  };
  const signed = (bytes: Uint8Array) => ({
    command: hex(bytes),
    signature: hex(sign(account.privateKey, label, bytes)),
  });
  const bad = (name: string, change: object, fails: string) => ({ ...base, name, ...change, fails });
  const decoded = {
    kind: 1,
    commandUid: uidText(fields.commandUid),
    gatewayUid: uid('gateway').text,
    recordUid: uid('record').text,
    sessionUid: uid('session').text,
  };
  const about = encode({
    kind: 2,
    recordUid: none,
    sessionUid: none,
    sessionNonce: none,
    payloadHash: sha256(none),
  });
  const skew = 5 * 60_000;
  return [
    { ...base, name: 'connect', decoded },
    {
      ...base,
      name: 'about the gateway itself',
      ...signed(about),
      sealedPayload: '',
      decoded: { ...decoded, kind: 2, recordUid: null, sessionUid: null },
    },
    { ...base, name: 'from a clock that is ahead', nowMs: issued - skew, decoded },
    { ...base, name: 'on a clock that is ahead', nowMs: issued + 30_000 + skew, decoded },
    bad('from too far in the future', { nowMs: issued - skew - 1 }, 'expired'),
    bad('too late', { nowMs: issued + 30_000 + skew + 1 }, 'expired'),
    bad('with a longer life', signed(encode({ expiresAtMs: BigInt(issued + 30_001) })), 'expired'),
    bad('with a life of a year', signed(encode({ expiresAtMs: BigInt(issued + 31_536_000_000) })), 'expired'),
    bad(
      'another gateway in it',
      { command: hex(encode({ gatewayUid: seed('other', 16) })) },
      'bad-signature',
    ),
    bad('another record in it', { command: hex(encode({ recordUid: seed('other', 16) })) }, 'bad-signature'),
    bad('another kind in it', { command: hex(encode({ kind: 4 })) }, 'bad-signature'),
    bad('another payload', { sealedPayload: hex(flip(payload, 0)) }, 'bad-signature'),
    bad('no payload', { sealedPayload: '' }, 'bad-signature'),
    bad('a longer payload', { sealedPayload: hex(payload) + '00' }, 'bad-signature'),
    bad('another signer', { publicKey: hex(stranger.publicKey) }, 'bad-signature'),
    bad('no signature', { signature: '' }, 'bad-signature'),
    bad('a high s', { signature: hex(highS(sign(account.privateKey, label, command))) }, 'bad-signature'),
    bad(
      'signed as a reply',
      { signature: hex(sign(account.privateKey, 'sallyport/v1/signature/gateway-reply', command)) },
      'bad-signature',
    ),
    bad('a byte added', { command: hex(command) + '00' }, 'bad-signature'),
    bad('a field added that nobody signed', { command: hex(command) + '6001' }, 'bad-signature'),
    bad('no gateway', signed(encode({ gatewayUid: none })), 'malformed'),
    bad('a gateway uid of 15 bytes', signed(encode({ gatewayUid: seed('short', 15) })), 'malformed'),
    bad('no account', signed(encode({ accountUid: none })), 'malformed'),
    bad('no command uid', signed(encode({ commandUid: none })), 'malformed'),
    bad('a payload hash of 31 bytes', signed(encode({ payloadHash: seed('short', 31) })), 'malformed'),
    bad('a session nonce of 15 bytes', signed(encode({ sessionNonce: seed('short', 15) })), 'malformed'),
    bad('no message', signed(Uint8Array.of(0xff)), 'malformed'),
  ];
}

/** §12.4 */
export function replies(): object[] {
  const gateway = keyPair('gateway device');
  const label = 'sallyport/v1/signature/gateway-reply';
  const command = seed('a command', 80);
  const reply = utf8('a reply');
  const signature = sign(gateway.privateKey, label, context(sha256(command), reply));
  const encode = (r: Uint8Array, s: Uint8Array) =>
    hex(encodeMessage(SignedReplySchema, { reply: r, signature: s }));
  const base = {
    publicKey: hex(gateway.publicKey),
    command: hex(command),
    signedReply: encode(reply, signature),
  };
  const bad = (name: string, change: object, fails = 'bad-signature') => ({
    ...base,
    name,
    ...change,
    fails,
  });
  return [
    { ...base, name: 'to this command', reply: hex(reply) },
    bad('to another command', { command: hex(flip(command, 0)) }),
    bad('another reply', { signedReply: encode(utf8('b reply'), signature) }),
    bad('another gateway', { publicKey: hex(stranger.publicKey) }),
    bad('a gateway that was not pinned', { publicKey: '' }),
    bad('signed without its command', { signedReply: encode(reply, sign(gateway.privateKey, label, reply)) }),
    bad('command and reply run together', {
      signedReply: encode(
        reply,
        sign(gateway.privateKey, label, context(new Uint8Array([...sha256(command), ...reply]))),
      ),
    }),
    bad('no signature', { signedReply: encode(reply, none) }),
    bad('nothing', { signedReply: '' }),
    bad('no message', { signedReply: 'ff' }, 'malformed'),
  ];
}

/** §12.9 */
export function sessionResumes(): object[] {
  const own = keyPair('resume key');
  const label = 'sallyport/v1/signature/session-resume';
  const [session, peer] = [uid('resumed session'), uid('lost peer')];
  const order = { peerUid: peer.bytes, offer: 'v=0', attempt: 3 };
  const request = encodeMessage(ResumeRequestSchema, order);
  const signature = sign(own.privateKey, label, context(session.text, request));
  const encode = (r: Uint8Array, s: Uint8Array) =>
    hex(encodeMessage(SignedResumeSchema, { request: r, signature: s }));
  const base = {
    publicKey: hex(own.publicKey),
    sessionUid: session.text,
    signedResume: encode(request, signature),
  };
  const bad = (title: string, change: object, fails = 'bad-signature') => ({
    ...base,
    name: title,
    ...change,
    fails,
  });
  const uncounted = encodeMessage(ResumeRequestSchema, { ...order, attempt: 0 });
  const detour = keyPair('resumed detour').publicKey;
  const withDetour = encodeMessage(ResumeRequestSchema, { ...order, detourKey: detour });
  return [
    { ...base, name: 'of this session', order: { ...order, peerUid: peer.text } },
    {
      ...base,
      name: 'with a key for a detour',
      signedResume: encode(withDetour, sign(own.privateKey, label, context(session.text, withDetour))),
      order: { ...order, peerUid: peer.text, detourKey: hex(detour) },
    },
    bad('of another session', { sessionUid: uid('another session').text }),
    bad('another attempt', {
      signedResume: encode(encodeMessage(ResumeRequestSchema, { ...order, attempt: 4 }), signature),
    }),
    bad('another key', { publicKey: hex(stranger.publicKey) }),
    bad('signed without its session', {
      signedResume: encode(request, sign(own.privateKey, label, request)),
    }),
    bad('no signature', { signedResume: encode(request, none) }),
    bad(
      'an attempt that is not counted',
      { signedResume: encode(uncounted, sign(own.privateKey, label, context(session.text, uncounted))) },
      'malformed',
    ),
    bad('no message', { signedResume: 'ff' }, 'malformed'),
  ];
}

/** §6.2 */
export function certificates(): object[] {
  const label = 'sallyport/v1/signature/account-certificate';
  const fields = {
    accountUid: accountUid.bytes,
    ecdhPublicKey: accountEcdh.publicKey,
    signingPublicKey: account.publicKey,
  };
  const encode = (change: object = {}) =>
    encodeMessage(AccountCertificateBodySchema, { ...fields, ...change });
  const of = (body: Uint8Array, signer = account, context = label) => ({
    body: hex(body),
    signature: hex(sign(signer.privateKey, context, body)),
  });
  const bad = (name: string, change: object, fails = 'bad-signature') => ({ name, ...change, fails });
  return [
    { name: 'of an account', ...of(encode()), accountUid: accountUid.text },
    bad('signed by another key', of(encode(), stranger)),
    bad('the signing key replaced', {
      ...of(encode()),
      body: hex(encode({ signingPublicKey: stranger.publicKey })),
    }),
    bad('the ecdh key replaced', {
      ...of(encode()),
      body: hex(encode({ ecdhPublicKey: stranger.publicKey })),
    }),
    bad('the account replaced', { ...of(encode()), body: hex(encode({ accountUid: seed('other', 16) })) }),
    bad('signed as a roster', of(encode(), account, 'sallyport/v1/signature/roster')),
    bad('a compressed key', of(encode({ ecdhPublicKey: seed('short', 33) })), 'malformed'),
    bad('a key off the curve', of(encode({ ecdhPublicKey: flip(accountEcdh.publicKey, 64) })), 'malformed'),
    bad('no ecdh key', of(encode({ ecdhPublicKey: none })), 'malformed'),
    bad('no signing key', of(encode({ signingPublicKey: none })), 'malformed'),
    bad('no account', of(encode({ accountUid: none })), 'malformed'),
    bad('no message', of(Uint8Array.of(0xff)), 'malformed'),
    bad('nothing', { body: '', signature: '' }, 'malformed'),
  ];
}

/** §6.3 */
export function rosters(): object[] {
  const organisation = keyPair('organisation');
  const organisationUid = uid('organisation');
  const label = 'sallyport/v1/signature/roster';
  const member = {
    accountUid: accountUid.bytes,
    ecdhPublicKey: accountEcdh.publicKey,
    signingPublicKey: account.publicKey,
    administrator: true,
  };
  const fields = {
    organisationUid: organisationUid.bytes,
    version: 5n,
    parentHash: seed('parent'),
    members: [member],
  };
  const encode = (change: object = {}) => encodeMessage(RosterSchema, { ...fields, ...change });
  const of = (change: object = {}, signer = organisation, signedAs = label) => {
    const { organisationUid: uidOf, version, parentHash } = { ...fields, ...change };
    const bytes = encode(change);
    const statement = context(uidOf, uint64(Number(version)), parentHash, sha256(bytes));
    return { roster: hex(bytes), signature: hex(sign(signer.privateKey, signedAs, statement)) };
  };
  const expected = {
    organisationUid: organisationUid.text,
    organisationKey: hex(organisation.publicKey),
    minimumVersion: 5,
  };
  const bad = (name: string, change: object, fails: string) => ({
    expected,
    ...of(),
    name,
    ...change,
    fails,
  });
  const team = { teamUid: seed('team', 16), ecdhPublicKey: accountEcdh.publicKey, keyVersion: 1 };
  const intruder = { ...member, accountUid: seed('intruder', 16) };
  return [
    { name: 'the version seen before', expected, ...of(), members: [accountUid.text] },
    { name: 'a newer version', expected, ...of({ version: 6n }), members: [accountUid.text] },
    { name: 'no members', expected, ...of({ members: [] }), members: [] },
    bad('an older version', of({ version: 4n }), 'untrusted'),
    bad('another organisation', of({ organisationUid: seed('other', 16) }), 'untrusted'),
    bad('signed by another key', of({}, stranger), 'bad-signature'),
    bad('a member added', { roster: hex(encode({ members: [member, intruder] })) }, 'bad-signature'),
    bad(
      'a member made administrator',
      { roster: hex(encode({ members: [{ ...member, administrator: false }] })) },
      'bad-signature',
    ),
    bad(
      'a member added behind the signed bytes',
      { roster: hex(encode()) + hex(encodeMessage(RosterSchema, { members: [intruder] })) },
      'bad-signature',
    ),
    bad('signed as a command', of({}, organisation, 'sallyport/v1/signature/command'), 'bad-signature'),
    bad('no signature', { signature: '' }, 'bad-signature'),
    bad('a member without an account', of({ members: [{ ...member, accountUid: none }] }), 'malformed'),
    bad('no organisation', of({ organisationUid: none }), 'malformed'),
    bad('a member twice', of({ members: [member, member] }), 'malformed'),
    bad('no parent', of({ parentHash: none }), 'malformed'),
    bad('a parent of the first version', of({ version: 1n }), 'malformed'),
    bad('a team twice', of({ teams: [team, team] }), 'malformed'),
    bad(
      'a team of somebody else',
      of({ teams: [{ ...team, memberUids: [seed('intruder', 16)] }] }),
      'malformed',
    ),
    bad(
      'signed as whole bytes',
      { signature: hex(sign(organisation.privateKey, label, encode())) },
      'bad-signature',
    ),
    bad('another parent', { roster: hex(encode({ parentHash: seed('other') })) }, 'bad-signature'),
    bad('no message', { roster: 'ff' }, 'malformed'),
  ];
}

/** §7.3 */
export function apiSignatures(): object[] {
  const device = keyPair('device');
  const call = {
    method: 'RecordService/Sync',
    wrappedKey: seed('wrapped key', 130),
    issuedAtMs: 1_800_000_000_000,
    sessionToken: seed('session token'),
    payload: seed('payload', 50),
  };
  const bytes = context(
    call.method,
    sha256(call.wrappedKey),
    uint64(call.issuedAtMs),
    sha256(call.sessionToken),
    sha256(call.payload),
  );
  const signature = sign(device.privateKey, 'sallyport/v1/signature/api-request', bytes);
  const base = {
    publicKey: hex(device.publicKey),
    method: call.method,
    wrappedKey: hex(call.wrappedKey),
    issuedAtMs: call.issuedAtMs,
    sessionToken: hex(call.sessionToken),
    payload: hex(call.payload),
    signature: hex(signature),
  };
  const bad = (name: string, change: object) => ({ ...base, name, ...change, fails: 'bad-signature' });
  return [
    { ...base, name: 'a call' },
    bad('another method', { method: 'RecordService/PutRecords' }),
    bad('another request', { wrappedKey: hex(seed('other', 130)) }),
    bad('another time', { issuedAtMs: call.issuedAtMs + 1 }),
    bad('another session', { sessionToken: hex(seed('other')) }),
    bad('no session', { sessionToken: '' }),
    bad('another payload', { payload: hex(flip(call.payload, 0)) }),
    bad('session and payload swapped', { sessionToken: hex(call.payload), payload: hex(call.sessionToken) }),
    bad('another device', { publicKey: hex(stranger.publicKey) }),
    bad('no signature', { signature: '' }),
    bad('high s', { signature: hex(highS(signature)) }),
  ];
}

/** §11.2 */
export function linkProofs(): object[] {
  const device = keyPair('device');
  const proof = {
    subject: 'vault',
    identity: seed('device uid', 16),
    challenge: seed('challenge'),
    binding: seed('binding'),
  };
  const signature = sign(
    device.privateKey,
    'sallyport/v1/signature/link-proof',
    context(proof.subject, proof.identity, proof.challenge, proof.binding),
  );
  const base = {
    publicKey: hex(device.publicKey),
    subject: proof.subject,
    identity: hex(proof.identity),
    challenge: hex(proof.challenge),
    binding: hex(proof.binding),
    signature: hex(signature),
  };
  const bad = (name: string, change: object) => ({ ...base, name, ...change, fails: 'bad-signature' });
  return [
    { ...base, name: "a vault's" },
    bad("passed for a gateway's", { subject: 'gateway' }),
    bad('another device', { identity: hex(seed('other', 16)) }),
    bad('another challenge', { challenge: hex(seed('other')) }),
    bad('moved to another link', { binding: hex(seed('other')) }),
    bad('challenge and link swapped', { challenge: base.binding, binding: base.challenge }),
    bad('no challenge', { challenge: '' }),
    bad('another key', { publicKey: hex(stranger.publicKey) }),
    bad('no signature', { signature: '' }),
  ];
}

export function deviceProofs(): object[] {
  const device = keyPair('device');
  const method = 'AccountService/CompleteLogin';
  const [loginUid, deviceUid] = [seed('login uid', 16), seed('device uid', 16)];
  const signature = sign(
    device.privateKey,
    'sallyport/v1/signature/device-proof',
    context(method, loginUid, deviceUid),
  );
  const base = {
    publicKey: hex(device.publicKey),
    method,
    loginUid: hex(loginUid),
    deviceUid: hex(deviceUid),
    signature: hex(signature),
  };
  const bad = (name: string, change: object) => ({ ...base, name, ...change, fails: 'bad-signature' });
  return [
    { ...base, name: 'of a second factor' },
    bad('passed for the first half', { method: 'AccountService/FinishLogin' }),
    bad('passed for an approval', { method: 'AccountService/AwaitApproval' }),
    bad('of another login', { loginUid: hex(seed('other', 16)) }),
    bad('of another device', { deviceUid: hex(seed('other', 16)) }),
    bad('login and device swapped', { loginUid: base.deviceUid, deviceUid: base.loginUid }),
    bad('by another key', { publicKey: hex(stranger.publicKey) }),
    bad('no signature', { signature: '' }),
  ];
}

function uidText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

/** §23.2 */
export function keySuccessions(): object[] {
  const label = 'sallyport/v1/signature/key-succession';
  const [next, nextEcdh] = [keyPair('new account signing'), keyPair('new account ecdh')];
  const fields = {
    organisationUid: organisationUid.bytes,
    accountUid: accountUid.bytes,
    number: 1,
    formerEcdhPublicKey: accountEcdh.publicKey,
    formerSigningPublicKey: account.publicKey,
    ecdhPublicKey: nextEcdh.publicKey,
    signingPublicKey: next.publicKey,
    issuedAtMs: 1_800_000_000_000n,
  };
  const encode = (change: object = {}) => encodeMessage(KeySuccessionBodySchema, { ...fields, ...change });
  const of = (body: Uint8Array, former = account, now = next, context = label) => ({
    body: hex(body),
    formerSignature: hex(sign(former.privateKey, context, body)),
    signature: hex(sign(now.privateKey, context, body)),
  });
  const bad = (name: string, change: object, fails = 'bad-signature') => ({ name, ...change, fails });
  const other = hex(encode({ signingPublicKey: stranger.publicKey }));
  return [
    {
      name: 'from one pair of keys to the next',
      ...of(encode()),
      decoded: { organisationUid: organisationUid.text, accountUid: accountUid.text, number: 1 },
    },
    {
      name: 'the third of the account',
      ...of(encode({ number: 3 })),
      decoded: { organisationUid: organisationUid.text, accountUid: accountUid.text, number: 3 },
    },
    bad('the former key did not sign', of(encode(), stranger)),
    bad('the new key did not sign', of(encode(), account, stranger)),
    bad('signed by the new key alone', of(encode(), next)),
    bad('the new key replaced', { ...of(encode()), body: other }),
    bad('the new ecdh key replaced', {
      ...of(encode()),
      body: hex(encode({ ecdhPublicKey: stranger.publicKey })),
    }),
    bad('the former key replaced', {
      ...of(encode()),
      body: hex(encode({ formerSigningPublicKey: stranger.publicKey })),
    }),
    bad('another account', { ...of(encode()), body: hex(encode({ accountUid: seed('other', 16) })) }),
    bad('another organisation', {
      ...of(encode()),
      body: hex(encode({ organisationUid: seed('other', 16) })),
    }),
    bad('another number', { ...of(encode()), body: hex(encode({ number: 2 })) }),
    bad('signed as a certificate', of(encode(), account, next, 'sallyport/v1/signature/account-certificate')),
    bad(
      'the same signing key',
      of(encode({ signingPublicKey: account.publicKey }), account, account),
      'malformed',
    ),
    bad('no number', of(encode({ number: 0 })), 'malformed'),
    bad('a time before 1970', of(encode({ issuedAtMs: -1n })), 'malformed'),
    bad('a key off the curve', of(encode({ ecdhPublicKey: flip(nextEcdh.publicKey, 64) })), 'malformed'),
    bad('no former ecdh key', of(encode({ formerEcdhPublicKey: none })), 'malformed'),
    bad('no account', of(encode({ accountUid: none })), 'malformed'),
    bad('no message', of(Uint8Array.of(0xff)), 'malformed'),
    bad('nothing', { body: '', formerSignature: '', signature: '' }, 'malformed'),
  ];
}

/** §28.3 */
export function sessionInvitations(): object[] {
  const [host, guest, gateway] = [keyPair('host'), keyPair('guest ecdh key'), keyPair('gateway device')];
  const label = 'sallyport/v1/signature/session-invitation';
  const [share, hostUid, guestUid] = [uid('session share'), uid('host'), uid('guest')];
  const fields = {
    ...{ shareUid: share.bytes, gatewayUid: uid('gateway').bytes, gatewayKey: gateway.publicKey },
    ...{ secret: seed('secret of a share'), typing: true, untilMs: 1_800_000_000_000n, title: 'build host' },
  };
  const seal = (invitation: Uint8Array, to = guestUid.text, from = host) => {
    const signature = sign(from.privateKey, label, context(to, invitation));
    const signed = encodeMessage(SignedSessionInvitationSchema, { invitation, signature });
    const objects = [share.text, hostUid.text, guestUid.text];
    return hex(ecies('session invitation', guest.publicKey, 'session-invitation', objects, signed));
  };
  const encode = (changes: object) => encodeMessage(SessionInvitationSchema, { ...fields, ...changes });
  const ends = { shareUid: share.text, hostUid: hostUid.text, guestUid: guestUid.text };
  const base = {
    ...{ guestPrivateKey: hex(guest.privateKey), hostPublicKey: hex(host.publicKey), ends },
    sealed: seal(encode({})),
  };
  const bad = (name: string, change: object, fails = 'malformed') => ({ ...base, name, ...change, fails });
  const opened = {
    ...{ shareUid: share.text, gatewayUid: uid('gateway').text, gatewayKey: hex(gateway.publicKey) },
    ...{ secret: hex(fields.secret), typing: true, untilMs: 1_800_000_000_000, title: 'build host' },
  };
  const of = (name: string) => ({ ends: { ...ends, ...{ [name]: uid('another').text } } });
  return [
    { ...base, name: 'from a host to a guest', opened },
    bad('of another share', of('shareUid'), 'open-failed'),
    bad('of another host', of('hostUid'), 'open-failed'),
    bad('to another guest', of('guestUid'), 'open-failed'),
    bad('signed by another', { sealed: seal(encode({}), guestUid.text, stranger) }, 'bad-signature'),
    bad('signed for another guest', { sealed: seal(encode({}), uid('another').text) }, 'bad-signature'),
    bad('naming another share inside', { sealed: seal(encode({ shareUid: uid('another').bytes })) }),
    bad('with a short secret', { sealed: seal(encode({ secret: seed('short', 16) })) }),
    bad('with no key of a gateway', { sealed: seal(encode({ gatewayKey: seed('no key', 65) })) }),
    bad('with a title of two lines', { sealed: seal(encode({ title: 'build\nhost' })) }),
  ];
}

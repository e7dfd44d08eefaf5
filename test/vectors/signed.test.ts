import { create } from '@bufbuild/protobuf';
import { expect } from 'vitest';
import { encodeHex, parseHex } from '../../protocol/bytes.ts';
import {
  AccountCertificateSchema,
  KeySuccessionSchema,
  SignedRosterSchema,
} from '../../protocol/messages/gen/account_pb.js';
import { SignedCommandSchema } from '../../protocol/messages/gen/command_pb.js';
import { verifyAccountCertificate } from '../../protocol/signed/account-certificate.ts';
import { verifyCommand, verifyReply } from '../../protocol/signed/command.ts';
import { verifySuccession } from '../../protocol/signed/key-succession.ts';
import { verifyRoster } from '../../protocol/signed/roster.ts';
import { ecdhPublicKey } from '../../protocol/crypto/ecdh.ts';
import { openSessionInvitation, type InvitationEnds } from '../../protocol/session/session-invitation.ts';
import { verifyResume } from '../../protocol/session/session-resume.ts';
import { parseUid, type Uid } from '../../protocol/uid.ts';
import { runVectors } from './cases.ts';
import certificates from './certificates.json' with { type: 'json' };
import { verifySessionPolicy } from '../../protocol/signed/session-policy.ts';
import commands from './commands.json' with { type: 'json' };
import keySuccessions from './key-successions.json' with { type: 'json' };
import replies from './replies.json' with { type: 'json' };
import sessionInvitations from './session-invitations.json' with { type: 'json' };
import sessionPolicies from './session-policies.json' with { type: 'json' };
import resumes from './session-resumes.json' with { type: 'json' };
import rosters from './rosters.json' with { type: 'json' };

interface Command {
  readonly publicKey: string;
  readonly command: string;
  readonly signature: string;
  readonly sealedPayload: string;
  readonly nowMs: number;
  readonly decoded: object;
}

runVectors<Command>('command', commands, (vector) => {
  const signed = create(SignedCommandSchema, {
    command: parseHex(vector.command),
    signature: parseHex(vector.signature),
    sealedPayload: parseHex(vector.sealedPayload),
  });
  expect(verifyCommand(parseHex(vector.publicKey), signed, vector.nowMs)).toMatchObject(vector.decoded);
});

interface Reply {
  readonly publicKey: string;
  readonly command: string;
  readonly signedReply: string;
  readonly reply: string;
}

runVectors<Reply>('reply', replies, (vector) => {
  const { publicKey, command, signedReply } = vector;
  const reply = verifyReply(parseHex(publicKey), parseHex(command), parseHex(signedReply));
  expect(encodeHex(reply)).toBe(vector.reply);
});

interface Resume {
  readonly publicKey: string;
  readonly sessionUid: string;
  readonly signedResume: string;
  readonly order: { readonly detourKey?: string };
}

runVectors<Resume>('session resume', resumes, ({ publicKey, sessionUid, signedResume, order }) => {
  const read = verifyResume(parseHex(publicKey), parseUid(sessionUid), parseHex(signedResume));
  expect({ ...read, detourKey: encodeHex(read.detourKey) }).toEqual({ detourKey: '', ...order });
});

interface SessionInvitationVector {
  readonly guestPrivateKey: string;
  readonly hostPublicKey: string;
  readonly ends: InvitationEnds;
  readonly sealed: string;
  readonly opened: Readonly<Record<string, unknown>>;
}

runVectors<SessionInvitationVector>('session invitation', sessionInvitations, async (vector) => {
  const privateKey = parseHex(vector.guestPrivateKey);
  const guest = { privateKey, publicKey: ecdhPublicKey(privateKey) };
  const { gatewayKey, secret, ...opened } = await openSessionInvitation(
    ...([guest, parseHex(vector.hostPublicKey), vector.ends, parseHex(vector.sealed)] as const),
  );
  const shown = { ...opened, gatewayKey: encodeHex(gatewayKey), secret: encodeHex(secret) };
  expect(shown).toEqual(vector.opened);
});

interface SessionPolicyVector {
  readonly ownerKey: string;
  readonly signed: string;
  readonly parsed: Readonly<Record<string, unknown>>;
}

runVectors<SessionPolicyVector>('session policy', sessionPolicies, (vector) => {
  const policy = verifySessionPolicy(parseHex(vector.ownerKey), parseHex(vector.signed));
  const overseers = policy.overseers.map((one) => ({ ...one, signingKey: encodeHex(one.signingKey) }));
  expect({ ...policy, overseers, gatewayKey: encodeHex(policy.gatewayKey) }).toEqual(vector.parsed);
});

interface Certificate {
  readonly body: string;
  readonly signature: string;
  readonly accountUid: string;
}

runVectors<Certificate>('account certificate', certificates, ({ body, signature, accountUid }) => {
  const certificate = create(AccountCertificateSchema, {
    body: parseHex(body),
    signature: parseHex(signature),
  });
  expect(verifyAccountCertificate(certificate).accountUid).toBe(accountUid);
});

interface Roster {
  readonly roster: string;
  readonly signature: string;
  readonly members: readonly string[];
  readonly expected: {
    readonly organisationUid: Uid;
    readonly organisationKey: string;
    readonly minimumVersion: number;
  };
}

runVectors<Roster>('roster', rosters, ({ roster, signature, members, expected }) => {
  const signed = create(SignedRosterSchema, { roster: parseHex(roster), signature: parseHex(signature) });
  const verified = verifyRoster(signed, {
    organisationUid: expected.organisationUid,
    organisationKey: parseHex(expected.organisationKey),
    minimumVersion: BigInt(expected.minimumVersion),
  });
  expect(verified.members.map((member) => member.accountUid)).toEqual(members);
});

interface Succession {
  readonly body: string;
  readonly formerSignature: string;
  readonly signature: string;
  readonly decoded: { readonly organisationUid: Uid; readonly accountUid: Uid; readonly number: number };
}

runVectors<Succession>('key succession', keySuccessions, ({ decoded, ...message }) => {
  const [body, formerSignature] = [parseHex(message.body), parseHex(message.formerSignature)];
  const signature = parseHex(message.signature);
  const verified = verifySuccession(create(KeySuccessionSchema, { body, formerSignature, signature }));
  const { organisationUid, accountUid, number } = decoded;
  expect(verified).toMatchObject({ organisationUid, number, next: { accountUid }, former: { accountUid } });
});

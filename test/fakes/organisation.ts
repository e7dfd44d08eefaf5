import { create } from '@bufbuild/protobuf';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf, type Signer } from '../../protocol/crypto/ecdsa.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { empty, type Bytes } from '../../protocol/bytes.ts';
import { SignedRosterSchema, type SignedRoster } from '../../protocol/messages/gen/account_pb.js';
import {
  CommandKind,
  SignedCommandSchema,
  type SignedCommand,
} from '../../protocol/messages/gen/command_pb.js';
import { signCommand, type CommandOrder } from '../../protocol/signed/command.ts';
import { signRoster } from '../../protocol/signed/roster.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';

/** An account with its keys, as its own worker has them. */
export interface Person {
  readonly accountUid: Uid;
  readonly ecdh: { readonly publicKey: Bytes; readonly privateKey: Bytes };
  readonly signer: Signer;
  readonly administrator: boolean;
}

export function newPerson(administrator = false): Person {
  return {
    accountUid: newUid(),
    ecdh: generateEcdhKeyPair(),
    signer: signerOf(generateEcdhKeyPair().privateKey),
    administrator,
  };
}

/** An organisation that signs rosters. */
export class Organisation {
  readonly uid = newUid();
  readonly signer = signerOf(generateEcdhKeyPair().privateKey);
  readonly #hashes = new Map<bigint, Bytes>();

  /** The next one follows from the one that was made last of the version before. */
  async roster(version: bigint, people: readonly Person[], signer = this.signer): Promise<SignedRoster> {
    const members = people.map((person) => ({
      accountUid: person.accountUid,
      ecdhPublicKey: person.ecdh.publicKey,
      signingPublicKey: person.signer.publicKey,
      administrator: person.administrator,
      email: `${person.accountUid}@example.test`,
    }));
    const signed = await signRoster(signer, {
      organisationUid: this.uid,
      version,
      parentHash: version === 1n ? empty : (this.#hashes.get(version - 1n) ?? new Uint8Array(32)),
      members,
      teams: [],
      recoveryPublicKey: empty,
      ends: [],
      formerTeamMembers: [],
    });
    this.#hashes.set(version, sha256(signed.roster));
    return create(SignedRosterSchema, signed);
  }
}

/** A command of that person, for that gateway. */
export async function commandOf(
  person: Person,
  gatewayUid: Uid,
  order: Partial<CommandOrder> = {},
  { payload = empty, nowMs = Date.now() }: { payload?: Bytes; nowMs?: number } = {},
): Promise<SignedCommand> {
  const whole: CommandOrder = {
    kind: CommandKind.GATEWAY_INFO,
    gatewayUid,
    recordUid: null,
    accountUid: person.accountUid,
    rosterVersion: 1n,
    sessionUid: null,
    sessionNonce: empty,
    ...order,
  };
  return create(SignedCommandSchema, await signCommand(person.signer, whole, payload, nowMs));
}

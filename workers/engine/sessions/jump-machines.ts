import type { MessageInitShape } from '@bufbuild/protobuf';
import { wipe } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { JumpStatementSchema } from '../../../protocol/messages/gen/command_pb.js';
import { readPamSettings, type PamSettings } from '../../../protocol/records/pam-settings.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { JumpCard } from '../../../protocol/vault/launch-card.ts';
import type { MachineConfirmation } from '../records/machine-confirmation.ts';
import type { RecordBook } from '../records/record-book.ts';

/** What a connect command says of the machine in between, and whose copies a gateway needs for it. */
export interface StatedJump {
  readonly stated: MessageInitShape<typeof JumpStatementSchema>;
  readonly recordUids: readonly Uid[];
}

/** Finds the machine through which an own machine is reached. protocol.md §12.11. */
export class JumpMachines {
  readonly #book: RecordBook;
  readonly #confirmation: MachineConfirmation;

  constructor(book: RecordBook, confirmation: MachineConfirmation) {
    this.#book = book;
    this.#confirmation = confirmation;
  }

  /** null for a machine that names none. Throws `jump-unusable`, saying why no session could come through it. */
  async find(targetUid: Uid, { configurationUid, connection }: PamSettings): Promise<StatedJump | null> {
    const { jumpMachineUid: recordUid } = connection;
    if (recordUid === undefined) return null;
    if (recordUid === targetUid) throw unusable('is the machine itself');
    if (!this.#book.has(recordUid)) throw unusable('is no longer there');
    if (!this.#book.isOwn(this.#book.require(recordUid))) throw unusable('belongs to somebody else');
    const opened = await this.#book.open(recordUid);
    wipe(opened.key);
    const settings = readPamSettings(opened.content);
    const {
      launchCredentialUid: linked,
      hostKey = '',
      protocol,
      jumpMachineUid: further,
    } = settings.connection;
    if (settings.configurationUid !== configurationUid) throw unusable('has another gateway');
    if (protocol !== 'ssh') throw unusable('is not reached over SSH');
    if (further !== undefined) throw unusable('is itself behind a jump machine');
    if (linked === undefined || !this.#book.has(linked)) throw unusable('has no launch credential');
    if (!(await this.#confirmation.isConfirmed(opened)))
      throw unusable('was changed by somebody: confirm where it leads first');
    const stated = {
      recordRevision: opened.row.revision,
      credentialRevision: this.#book.revisionOf(linked),
      pinnedHostKey: hostKey,
    };
    return { stated, recordUids: [recordUid, linked] };
  }
}

/** Of somebody else's machine: the pin is the owner's own copy's. */
export function jumpOfCard({ revision, credentialRevision }: JumpCard): StatedJump['stated'] {
  return { recordRevision: BigInt(revision), credentialRevision: BigInt(credentialRevision) };
}

function unusable(why: string): ProtocolError {
  return new ProtocolError('jump-unusable', `the jump machine ${why}`);
}

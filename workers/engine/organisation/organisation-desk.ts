import { encodeTemplates, parseTemplates } from '../../../protocol/records/custom-templates.ts';
import type { RecordTemplate } from '../../../protocol/records/templates.ts';
import { uidOf } from '../../../protocol/uid.ts';
import type { OrganisationView } from '../../api/organisation.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { Invitations } from './invitations.ts';
import { Members } from './members.ts';
import { OrganisationBook, type BookParts } from './organisation-book.ts';
import { OwnEnrolment } from '../recovery/own-enrolment.ts';
import { RecoveryOffice } from '../recovery/recovery-office.ts';
import { RosterWriter } from './roster-writer.ts';
import { Teams } from './teams.ts';

/** The organisation of an unlocked vault, with everything that is done about it. */
export class OrganisationDesk {
  readonly book: OrganisationBook;
  readonly invitations: Invitations;
  readonly members: Members;
  readonly teams: Teams;
  readonly enrolment: OwnEnrolment;
  readonly recovery: RecoveryOffice;
  readonly #parts: BookParts;
  readonly #writer: RosterWriter;

  constructor(parts: BookParts) {
    const { account, session, warn } = parts;
    this.#parts = parts;
    this.book = new OrganisationBook(parts);
    this.#writer = new RosterWriter(this.book, session);
    this.members = new Members(this.book, this.#writer, () => session.deviceNow());
    this.teams = new Teams(this.book, this.#writer);
    const recovery = { account, session, book: this.book, warn };
    this.enrolment = new OwnEnrolment(recovery);
    this.recovery = new RecoveryOffice(recovery, this.#writer);
    this.invitations = new Invitations({ account, session, book: this.book, members: this.members, warn });
  }

  /** Brings everything up to date, certifies new keys and whoever accepted an invitation. Never throws. */
  async catchUp(): Promise<void> {
    try {
      await this.book.refresh();
      await this.members.certifySuccessions();
      await this.invitations.certifyAccepted();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`the organisation could not be brought up to date: ${error.code}`);
    }
  }

  /** Wipes every key. */
  clear(): void {
    this.book.clear();
  }

  read(): OrganisationView {
    const { book } = this;
    const { roster, settings } = book;
    const ownUid = this.#parts.account.keys.accountUid;
    return {
      ownUid,
      membership: book.membership,
      refused: book.refused,
      members: roster.members.map(({ accountUid, email, administrator }) => ({
        ...{ accountUid, email, administrator },
        own: accountUid === ownUid,
      })),
      teams: roster.teams.map(({ teamUid, memberUids }) => ({
        ...{ teamUid, memberUids },
        name: settings.teamNames.get(teamUid) ?? '',
      })),
      pending: book.pending.map(({ accountUid, email }) => ({ accountUid: uidOf(accountUid), email })),
    };
  }

  get recordTypes(): readonly RecordTemplate[] {
    return this.book.settings.recordTypes;
  }

  /** Throws `malformed` or `too-large` for types that nobody could read back. */
  async saveRecordTypes(types: readonly RecordTemplate[]): Promise<void> {
    const recordTypes = parseTemplates(encodeTemplates(types));
    await this.#writer.changeSettings((settings) => ({ ...settings, recordTypes }));
  }
}

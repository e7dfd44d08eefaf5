import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { empty, equal } from '../../../protocol/bytes.ts';
import type { Signer } from '../../../protocol/crypto/ecdsa.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { SignedRosterSchema } from '../../../protocol/messages/gen/account_pb.js';
import {
  OrganisationService,
  type PutRosterRequestSchema,
} from '../../../protocol/messages/gen/organisation_pb.js';
import { sealSettings, type OrganisationSettings } from '../../../protocol/organisation/settings.ts';
import { signRoster, withFormerTeamMembers, type Roster } from '../../../protocol/signed/roster.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { OrganisationBook } from './organisation-book.ts';
import { teamsWithNewKeys } from './teams.ts';

/** What one roster is to change, and what its new members need to use it. */
export interface RosterChange {
  readonly roster: Partial<Pick<Roster, 'members' | 'teams' | 'recoveryPublicKey' | 'ends'>>;
  readonly teamKeys?: MessageInitShape<typeof PutRosterRequestSchema>['teamKeys'];
  readonly offers?: MessageInitShape<typeof PutRosterRequestSchema>['offers'];
}

/** Owners who are away for longer than this do not know any more what somebody wrote before they left. */
export const departedMs = 400 * 24 * 60 * 60_000;
/** Administrators who write at once: each makes its change anew over what the others wrote. */
const mostAttempts = 5;

/** Signs rosters and settings as an administrator. Throws `not-allowed` without the organisation's signing key. */
export class RosterWriter {
  readonly #book: OrganisationBook;
  readonly #session: VaultSession;

  constructor(book: OrganisationBook, session: VaultSession) {
    this.#book = book;
    this.#session = session;
  }

  /** `build` makes the change over the newest roster; null leaves it as it is. Throws `conflict` when others are always faster. */
  async change(build: (roster: Roster, signer: Signer) => Promise<RosterChange | null>): Promise<void> {
    await this.#retrying(async () => {
      const { roster, organisation } = this.#book;
      await this.#book.keys.sign(async (signer) => {
        const built = await build(roster, signer);
        if (built === null) return;
        const change = await this.#withNewTeamKeys(built, roster, signer);
        const { version, hash } = organisation.point;
        const changed = { ...roster, ...change.roster };
        const nowMs = this.#session.deviceNow();
        const until = { nowMs, untilMs: nowMs + departedMs };
        const formerTeamMembers = withFormerTeamMembers(roster, changed.teams, until);
        const next = { ...changed, formerTeamMembers, version: version + 1n, parentHash: hash };
        const signed = create(SignedRosterSchema, await signRoster(signer, next));
        const { teamKeys = [], offers = [] } = change;
        await this.#session.call(OrganisationService.method.putRoster, { roster: signed, teamKeys, offers });
      });
    });
    await this.#book.refresh();
  }

  /** The same with the settings, which members of the organisation read and its server does not. */
  async changeSettings(
    build: (settings: OrganisationSettings) => Pick<OrganisationSettings, 'teamNames' | 'recordTypes'>,
  ): Promise<void> {
    const { keys, organisation } = this.#book;
    await this.#retrying(async () => {
      const dataKey = await keys.dataKey();
      if (!dataKey) throw new ProtocolError('not-allowed', 'this account was not given the settings yet');
      const before = this.#book.settings;
      const settings = { ...build(before), version: before.version + 1n };
      const signed = await keys.sign((signer) => sealSettings(organisation.uid, dataKey, signer, settings));
      await this.#session.call(OrganisationService.method.putOrganisationSettings, { settings: signed });
    });
    await this.#book.refresh();
  }

  /** Every roster certifies the new keys of its members; what had their former keys may have those of their teams. §23.6. */
  async #withNewTeamKeys(change: RosterChange, before: Roster, signer: Signer): Promise<RosterChange> {
    const { succeeded } = this.#book.organisation;
    if (succeeded.size === 0) return change;
    const roster = { ...before, ...change.roster };
    const versions = new Map(before.teams.map(({ teamUid, keyVersion }) => [teamUid, keyVersion]));
    const isDue = ({ teamUid, keyVersion, memberUids }: Roster['teams'][number]) =>
      versions.get(teamUid) === keyVersion && memberUids.some((uid) => succeeded.has(uid));
    const { teams, teamKeys } = await teamsWithNewKeys(signer, roster, isDue);
    const others = (change.teamKeys ?? []).filter(({ teamUid }) =>
      teamKeys.every((key) => !equal(key.teamUid ?? empty, teamUid ?? empty)),
    );
    return { ...change, roster: { ...change.roster, teams }, teamKeys: [...others, ...teamKeys] };
  }

  async #retrying(attempt: () => Promise<void>): Promise<void> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt();
      } catch (error) {
        const stale = error instanceof ProtocolError && error.code === 'conflict';
        if (!stale || attempts === mostAttempts) throw error;
        await this.#book.refresh();
      }
    }
  }
}

import { ProtocolError } from '../../protocol/errors.ts';
import type { RecordTemplate } from '../../protocol/records/templates.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type {
  InvitationEntry,
  MemberEntry,
  OrganisationVerbs,
  TeamEntry,
  VaultState,
} from '../../workers/api.ts';

const dayMs = 24 * 60 * 60_000;

/** An organisation in memory: its own account administers it. */
export function createFakeOrganisation(
  set: (change: Partial<VaultState>) => void,
  ownUid: Uid,
): OrganisationVerbs {
  let members: MemberEntry[] = [
    { accountUid: ownUid, email: 'ada@example.test', administrator: true, own: true },
    { accountUid: newUid(), email: 'grace@example.test', administrator: false, own: false },
  ];
  let teams: TeamEntry[] = [];
  let invitations: InvitationEntry[] = [];
  let types: readonly RecordTemplate[] = [];
  let version = 1;
  const changed = () => set({ organisationVersion: ++version });
  const changeTeam = (teamUid: Uid, change: Partial<TeamEntry>) => {
    teams = teams.map((team) => (team.teamUid === teamUid ? { ...team, ...change } : team));
    changed();
  };

  return {
    readOrganisation: async () => ({
      ...{ ownUid, membership: 'administrator', refused: false, members, teams, pending: [] },
    }),
    createInvitation: async ({ email, days }) => {
      if (members.some((member) => member.email === email)) throw new ProtocolError('conflict');
      const uid = newUid();
      const expiresAt = Date.now() + days * dayMs;
      invitations = [...invitations, { uid, email, own: true, expiresAt, acceptedAt: null }];
      changed();
      return { invitationUid: uid, fragment: 'x'.repeat(107), expiresAt };
    },
    listInvitations: async () => invitations,
    revokeInvitation: async (invitationUid) => {
      invitations = invitations.filter(({ uid }) => uid !== invitationUid);
      changed();
    },
    openInvitation: async () => ({ email: 'new@example.test', inviterEmail: 'ada@example.test' }),
    setAdministrator: async ({ accountUid, administrator }) => {
      members = members.map((member) =>
        member.accountUid === accountUid ? { ...member, administrator } : member,
      );
      changed();
    },
    removeMember: async (accountUid) => {
      members = members.filter((member) => member.accountUid !== accountUid);
      changed();
    },
    createTeam: async ({ name, memberUids }) => {
      const teamUid = newUid();
      teams = [...teams, { teamUid, name, memberUids }];
      changed();
      return teamUid;
    },
    renameTeam: async ({ teamUid, name }) => changeTeam(teamUid, { name }),
    setTeamMembers: async ({ teamUid, memberUids }) => changeTeam(teamUid, { memberUids }),
    deleteTeam: async (teamUid) => {
      teams = teams.filter((team) => team.teamUid !== teamUid);
      changed();
    },
    customTypes: async () => types,
    saveCustomTypes: async (saved) => {
      types = saved;
      changed();
    },
  };
}

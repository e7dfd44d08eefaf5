import { parseInvitation } from '../../../protocol/organisation/invitation.ts';
import type { OrganisationVerbs } from '../../api/organisation.ts';
import type { EngineCore } from '../core.ts';
import { openInvitation } from '../account/registration.ts';

/** The organisation of the unlocked vault. */
export function organisationVerbs(core: EngineCore): OrganisationVerbs {
  const desk = () => core.unlocked().organisation;
  return {
    readOrganisation: async () => desk().read(),
    createInvitation: async ({ email, days }) => await desk().invitations.create(email, days),
    listInvitations: async () => await desk().invitations.list(),
    revokeInvitation: async (invitationUid) => await desk().invitations.revoke(invitationUid),
    openInvitation: async (fragment) => {
      const { email, inviterEmail } = await openInvitation(core.api, parseInvitation(fragment));
      return { email, inviterEmail };
    },
    setAdministrator: async ({ accountUid, administrator }) =>
      await desk().members.setAdministrator(accountUid, administrator),
    removeMember: async (accountUid) => await desk().members.remove(accountUid),
    createTeam: async ({ name, memberUids }) => await desk().teams.create(name, memberUids),
    renameTeam: async ({ teamUid, name }) => await desk().teams.rename(teamUid, name),
    setTeamMembers: async ({ teamUid, memberUids }) => await desk().teams.setMembers(teamUid, memberUids),
    deleteTeam: async (teamUid) => await desk().teams.remove(teamUid),
    customTypes: async () => desk().recordTypes,
    saveCustomTypes: async (types) => await desk().saveRecordTypes(types),
  };
}

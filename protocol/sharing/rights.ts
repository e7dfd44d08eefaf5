import type { Rights as RightsMessage } from '../messages/gen/sharing_pb.js';

/** What somebody may do with a record or shared folder. Whoever has any right may launch. protocol.md §19.1. */
export interface Rights {
  /** May connect and never gets the content's key. Excludes every other right. */
  readonly launchOnly: boolean;
  readonly edit: boolean;
  readonly share: boolean;
  /** Of a folder: give and take membership. */
  readonly manageMembers: boolean;
  /** Of a folder: put records in and take them out. */
  readonly manageRecords: boolean;
  /** An offer of ownership. Only the owner makes it. */
  readonly own: boolean;
}

/** To read and to connect. */
export const viewRights: Rights = {
  launchOnly: false,
  edit: false,
  share: false,
  manageMembers: false,
  manageRecords: false,
  own: false,
};
/** To connect, and to see nothing of the credential. */
export const launchRights: Rights = { ...viewRights, launchOnly: true };
/** What an owner has. */
export const allRights: Rights = {
  launchOnly: false,
  edit: true,
  share: true,
  manageMembers: true,
  manageRecords: true,
  own: true,
};

const switches = ['edit', 'share', 'manageMembers', 'manageRecords', 'own'] as const;

/** The rights of a message; a missing one gives none but to launch. Launch-only takes all others away. */
export function rightsOf(message: RightsMessage | undefined): Rights {
  if (!message || message.launchOnly) return launchRights;
  const { edit, share, manageMembers, manageRecords, own } = message;
  return { launchOnly: false, edit, share, manageMembers, manageRecords, own };
}

/** Whether nothing in `given` goes beyond `held`. */
export function isWithin(given: Rights, held: Rights): boolean {
  if (held.launchOnly) return given.launchOnly;
  return switches.every((name) => !given[name] || held[name]);
}

/** What both allow. */
export function meetOf(one: Rights, other: Rights): Rights {
  if (one.launchOnly || other.launchOnly) return launchRights;
  return {
    launchOnly: false,
    edit: one.edit && other.edit,
    share: one.share && other.share,
    manageMembers: one.manageMembers && other.manageMembers,
    manageRecords: one.manageRecords && other.manageRecords,
    own: one.own && other.own,
  };
}

/** What either allows: somebody with two ways to a record has the rights of both. */
export function joinOf(one: Rights, other: Rights): Rights {
  if (one.launchOnly) return other;
  if (other.launchOnly) return one;
  return {
    launchOnly: false,
    edit: one.edit || other.edit,
    share: one.share || other.share,
    manageMembers: one.manageMembers || other.manageMembers,
    manageRecords: one.manageRecords || other.manageRecords,
    own: one.own || other.own,
  };
}

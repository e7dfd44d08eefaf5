import type { AccessRights, FolderRights, RecordRights } from '../../api/sharing.ts';
import { launchRights, viewRights, type Rights } from '../../../protocol/sharing/rights.ts';

/** The rights that a person chose for a record. */
export function recordRights(chosen: RecordRights): Rights {
  if (chosen === 'launch') return launchRights;
  const edit = chosen === 'edit' || chosen === 'edit-share';
  return { ...viewRights, edit, share: chosen === 'view-share' || chosen === 'edit-share' };
}

export function folderRights({ records, manageMembers, manageRecords }: FolderRights): Rights {
  const rights = recordRights(records);
  return rights.launchOnly ? rights : { ...rights, manageMembers, manageRecords };
}

/** Rights as people choose them. */
export function shownRights(rights: Rights, owner = false): AccessRights {
  const { launchOnly, edit, share, manageMembers, manageRecords } = rights;
  const records = launchOnly ? 'launch' : `${edit ? 'edit' : 'view'}${share ? '-share' : ''}`;
  return { records: records as RecordRights, manageMembers, manageRecords, owner };
}

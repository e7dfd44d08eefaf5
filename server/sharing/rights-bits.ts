import type { Rights } from '../../protocol/sharing/rights.ts';

/** Rights as the store keeps them: none of these bits is to launch and no more. What two allow is `&`, either `|`. */
export const rightsBits = {
  read: 1,
  edit: 2,
  share: 4,
  manageMembers: 8,
  manageRecords: 16,
  own: 32,
} as const;

/** What an owner has. */
export const allBits = 63;
/** What can be said of a record. */
export const recordBits = rightsBits.read | rightsBits.edit | rightsBits.share;

/** In the store: no end. */
export const never = Number.MAX_SAFE_INTEGER;

export function bitsOf(rights: Rights): number {
  if (rights.launchOnly) return 0;
  const { edit, share, manageMembers, manageRecords, own } = rightsBits;
  return (
    rightsBits.read |
    (rights.edit ? edit : 0) |
    (rights.share ? share : 0) |
    (rights.manageMembers ? manageMembers : 0) |
    (rights.manageRecords ? manageRecords : 0) |
    (rights.own ? own : 0)
  );
}

/** Whether nothing in `given` goes beyond `held`. */
export function isWithinBits(given: number, held: number): boolean {
  return (given & ~held) === 0;
}

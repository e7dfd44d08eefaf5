import type { FieldPath } from '../../../workers/api.ts';

/**
 * A kept secret while somebody looks at it in a form. It is no part of the draft: what was only looked at is not
 * changed, and is gone with the component that showed it.
 */
export function keptText(
  kept: () => FieldPath | null,
  reveal: (from: FieldPath) => Promise<string>,
  onfail: (failure: unknown) => void,
) {
  let seen = $state.raw<{ readonly from: FieldPath; readonly text: string } | null>(null);
  const text = $derived(seen !== null && seen.from === kept() ? seen.text : '');
  return {
    get text() {
      return text;
    },
    get isSeen() {
      return seen !== null && seen.from === kept();
    },
    look: async (): Promise<void> => {
      const from = kept();
      if (from === null) return;
      try {
        seen = { from, text: await reveal(from) };
      } catch (failure) {
        onfail(failure);
      }
    },
  };
}

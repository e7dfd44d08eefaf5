import { SvelteSet } from 'svelte/reactivity';
import { keysymOf, modifierKeysyms, type LayoutKey, type Modifier } from './key-layouts.ts';

/** Modifiers that were touched and wait for the next key, whichever keyboard it comes from. */
export class StickyModifiers {
  readonly down = new SvelteSet<Modifier>();

  toggle(modifier: Modifier): void {
    if (!this.down.delete(modifier)) this.down.add(modifier);
  }

  clear(): void {
    this.down.clear();
  }

  /** What a key with characters shows and gives now. */
  characterOf(levels: readonly string[]): string {
    const [plain = '', shifted = plain] = levels;
    if (this.down.has('AltGr')) return levels[2] ?? plain;
    return this.down.has('Shift') ? shifted : plain;
  }

  /** The keysyms to press together for a key, in order; what was touched before is let go of. */
  takeFor(key: Exclude<LayoutKey, { kind: 'modifier' }>): readonly number[] {
    if (key.kind === 'key') return [...this.take(), key.keysym];
    const keysym = keysymOf(this.characterOf(key.levels));
    // They chose the character, which says it all; the machine's own layout need not have it there.
    this.down.delete('AltGr');
    if (key.levels.length > 1) this.down.delete('Shift');
    return [...this.take(), keysym];
  }

  /** For a key that another keyboard gives. */
  take(): readonly number[] {
    const taken = [...this.down].map((modifier) => modifierKeysyms[modifier]);
    this.clear();
    return taken;
  }
}

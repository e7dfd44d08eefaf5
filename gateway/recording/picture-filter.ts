/** Opcodes as they begin on the wire. */
const clipboard = '9.clipboard,';
const blob = '4.blob,';
const end = '3.end,';
/** An opcode and a stream's index: nothing before a stream's content is longer. */
const headBytes = 40;

/** Leaves out what a clipboard holds. Each of what it sees is one whole instruction. */
export class PictureFilter {
  readonly #streams = new Set<string>();

  /** Those that may be recorded, in their order. */
  filter(instructions: readonly Uint8Array[]): Uint8Array[] {
    return instructions.filter((instruction) => this.#passes(instruction));
  }

  #passes(instruction: Uint8Array): boolean {
    const head = Buffer.from(instruction.subarray(0, headBytes)).toString('latin1');
    if (head.startsWith(clipboard)) {
      this.#streams.add(indexIn(head, clipboard));
      return false;
    }
    if (this.#streams.size === 0) return true;
    if (head.startsWith(blob)) return !this.#streams.has(indexIn(head, blob));
    if (head.startsWith(end)) return !this.#streams.delete(indexIn(head, end));
    return true;
  }
}

/** "4.blob,1.0,…" → "1.0" */
function indexIn(head: string, opcode: string): string {
  return /^[\d.]+/.exec(head.slice(opcode.length))?.[0] ?? '';
}

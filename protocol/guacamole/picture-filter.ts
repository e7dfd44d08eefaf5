import { decodeBase64 } from '../bytes.ts';
import { integer, oneOf } from './argument-checks.ts';
import { readImageHeader, type ImageHeader } from './image-header.ts';
import type { Instruction } from './instruction.ts';
import { encodeInstructionBytes } from './instruction.ts';
import { readSoundFormat } from './sound-format.ts';
import { Surfaces, type Remains, type Size } from './surfaces.ts';

/** What of a target's side streams may reach the browser. */
export interface PicturePolicy {
  readonly disableCopy: boolean;
  /** Sound was asked for; else there is none. */
  readonly sound?: boolean;
  /** Buffers beside guacd's own, that are drawn with. */
  readonly buffers?: readonly number[];
  /** The page's screen at the beginning, of a picture before this one: new layers are as large as it. */
  readonly screen?: Size;
}

/** What neither draws nor opens a stream. Drawing is {@link Surfaces}' to judge; paths and stacks no guacd of ours uses. */
const passing: ReadonlySet<string> = new Set(['ack', 'mouse', 'name', 'sync']);

/**
 * Instructions that open a stream, with the place of its index. Escape sequences of a hostile target can make
 * guacd's terminal open pipes and file downloads, so only these four pass; the others are answered for the browser.
 */
const openers: ReadonlyMap<string, number> = new Map([
  ['img', 0],
  ['clipboard', 0],
  ['argv', 0],
  ['audio', 0],
]);
const refusedOpeners: ReadonlyMap<string, number> = new Map([
  ['video', 0],
  ['file', 0],
  ['pipe', 0],
  ['nest', 0],
  ['body', 1],
]);

const streamIndex = integer(0, 0x7fff_ffff);
/** What guacd tells of its terminals. */
const terminalArgument = oneOf('color-scheme', 'font-name', 'font-size');
/** What guacd was told that the page can show: no SVG, which draws by a program of its own. */
const pictureKind = oneOf('image/png', 'image/jpeg', 'image/webp');

const maxStreams = 256;
/** Of them clipboards and arguments, whose text a page keeps until their end. guacd has one or a few, and ends them at once. */
const maxTexts = 16;
/** Sounds at once: guacd has one, and another when its form changes. */
const maxSounds = 4;
/** Base64 characters of one clipboard: guacd's own bound is 256 KiB of text. */
const maxClipboardText = 512 * 1024;
const maxArgumentText = 8 * 1024;
/** Base64 characters of all pictures that have no end yet: a page keeps them until then. A 4K screen of noise takes 44 MB. */
const maxPictureText = 64 * 1024 * 1024;
const clientForbidden = 0x0303;

export interface PictureFiltered {
  readonly forward: readonly Uint8Array[];
  /** The same without sound: what is drawn and recorded. */
  readonly picture: readonly Uint8Array[];
  /** Instructions of the batch that were sound. */
  readonly sounds: number;
  /** Answers to guacd for streams that the browser will not see. */
  readonly replies: readonly Uint8Array[];
}

interface OpenStream {
  /** Characters that may still come, of streams that are not pictures. Sound has no end. */
  left: number;
  readonly sound: boolean;
  /** What opens a picture is held back until its first bytes say how large it is. */
  picture: {
    readonly place: readonly [string, string, string];
    held: Uint8Array | null;
    text: number;
    /** By its header; 0 before it. */
    pixels: number;
  } | null;
}

/** Judges what guacd sends to the browser, instruction by instruction; bytes pass unchanged or not at all. */
export class PictureFilter {
  readonly #policy: PicturePolicy;
  readonly #onRefused: (opcode: string) => void;
  readonly #open = new Map<string, OpenStream>();
  #surfaces: Surfaces;
  /** Sound goes nowhere, though its streams open and end as they do: whoever hears nothing needs none. */
  silent = false;
  #pictureText = 0;
  #texts = 0;

  constructor(policy: PicturePolicy, onRefused: (opcode: string) => void = () => {}) {
    this.#policy = policy;
    this.#surfaces = new Surfaces(policy.buffers, policy.screen);
    this.#onRefused = onRefused;
  }

  /** Another one that goes on from here; null while a stream is open. */
  copy(): PictureFilter | null {
    if (this.#open.size > 0) return null;
    const other = new PictureFilter(this.#policy, this.#onRefused);
    other.#surfaces = this.#surfaces.copy();
    return other;
  }

  filter(batch: readonly Instruction[]): PictureFiltered {
    const forward: Uint8Array[] = [];
    const picture: Uint8Array[] = [];
    const replies: Uint8Array[] = [];
    let sounds = 0;
    for (const instruction of batch) {
      const sound = this.#isSound(instruction);
      if (sound) sounds++;
      const passed = this.#pass(instruction);
      if (passed === null) replies.push(...this.#answer(instruction));
      else if (!sound || !this.silent || instruction.opcode !== 'blob') forward.push(...passed);
      if (passed !== null && !sound) picture.push(...passed);
    }
    return { forward, picture, sounds, replies };
  }

  #isSound({ opcode, args }: Instruction): boolean {
    if (opcode === 'audio') return true;
    return (opcode === 'blob' || opcode === 'end') && this.#open.get(args[0] ?? '')?.sound === true;
  }

  /**
   * The same judgement where it has been made before: whether an end that filters as this one does would have let it through,
   * as it is.
   */
  admits(instruction: Instruction): boolean {
    const passed = this.#pass(instruction);
    return passed !== null && (passed.length === 0 || passed.at(-1) === instruction.raw);
  }

  /** Pixels of the picture that this stream brings; 0: it brings none. */
  pixelsOf(stream: string): number {
    return this.#open.get(stream)?.picture?.pixels ?? 0;
  }

  /** What the browser has of this. */
  get remains(): Remains {
    return this.#surfaces.remains;
  }

  /** What was drawn so far can be seen by nobody: the screen has no size. */
  get unsized(): boolean {
    return this.#surfaces.unsized;
  }

  /** What goes to the browser in its place, mostly itself; null: it is refused. */
  #pass(instruction: Instruction): readonly Uint8Array[] | null {
    const { opcode, args, raw } = instruction;
    if (passing.has(opcode)) return [raw];
    if (opcode === 'blob') return this.#take(instruction);
    if (opcode === 'end') return this.#finish(instruction);
    if (openers.has(opcode)) return this.#opens(instruction, args[0] ?? '');
    return this.#surfaces.admits(instruction) ? [raw] : null;
  }

  #opens({ opcode, args, raw }: Instruction, index: string): readonly Uint8Array[] | null {
    this.#close(index);
    if (!streamIndex(index) || this.#open.size >= maxStreams) return null;
    if (opcode === 'img') return this.#opensPicture(index, args, raw);
    if (opcode === 'clipboard' && this.#policy.disableCopy) return null;
    if (opcode === 'argv' && !terminalArgument(args[2] ?? '')) return null;
    const sound = opcode === 'audio';
    if (sound ? !this.#mayPlay(args[1] ?? '') : this.#texts >= maxTexts) return null;
    if (!sound) this.#texts++;
    const left = sound ? Infinity : opcode === 'clipboard' ? maxClipboardText : maxArgumentText;
    this.#open.set(index, { left, sound, picture: null });
    return [raw];
  }

  #mayPlay(mimetype: string): boolean {
    const playing = [...this.#open.values()].filter(({ sound }) => sound).length;
    return this.#policy.sound === true && playing < maxSounds && readSoundFormat(mimetype) !== null;
  }

  #opensPicture(index: string, args: readonly string[], raw: Uint8Array): readonly Uint8Array[] | null {
    const [, , layer = '', kind = '', left = '', top = ''] = args;
    if (!pictureKind(kind)) return null;
    this.#open.set(index, {
      left: 0,
      sound: false,
      picture: { place: [layer, left, top], held: raw.slice(), text: 0, pixels: 0 },
    });
    return [];
  }

  #take({ args, raw }: Instruction): readonly Uint8Array[] | null {
    const [index = '', text = ''] = args;
    const stream = this.#open.get(index);
    if (!stream) return null;
    if (stream.picture) return this.#takePicture(index, stream.picture, text, raw);
    stream.left -= text.length;
    return stream.left >= 0 ? [raw] : null;
  }

  #takePicture(
    index: string,
    picture: NonNullable<OpenStream['picture']>,
    text: string,
    raw: Uint8Array,
  ): readonly Uint8Array[] | null {
    if (this.#pictureText + text.length > maxPictureText) {
      const begun = picture.held === null;
      this.#refusePicture(index);
      return begun ? [encodeInstructionBytes('end', index)] : null;
    }
    const first = picture.held;
    if (first !== null) picture.pixels = this.#pixelsOf(picture.place, text);
    if (picture.pixels === 0) {
      this.#refusePicture(index);
      return null;
    }
    picture.held = null;
    picture.text += text.length;
    this.#pictureText += text.length;
    return first === null ? [raw] : [first, raw];
  }

  /** Of a picture that begins so; 0: it is none, or too large. */
  #pixelsOf(place: readonly [string, string, string], text: string): number {
    const header = headerOf(text);
    if (header === null || !this.#surfaces.admitsPicture(place, [header.width, header.height])) return 0;
    return header.width * header.height;
  }

  #refusePicture(index: string): void {
    this.#close(index);
    this.#onRefused('img');
  }

  /** A picture without a byte was never begun for the browser. */
  #finish({ args, raw }: Instruction): readonly Uint8Array[] | null {
    const index = args[0] ?? '';
    const stream = this.#open.get(index);
    this.#close(index);
    return stream && !stream.picture?.held ? [raw] : null;
  }

  #close(index: string): void {
    const stream = this.#open.get(index);
    if (stream === undefined) return;
    if (stream.picture === null) this.#texts -= stream.sound ? 0 : 1;
    else this.#pictureText -= stream.picture.text;
    this.#open.delete(index);
  }

  /** Without an answer guacd may wait on a stream for ever. */
  #answer({ opcode, args }: Instruction): Uint8Array[] {
    if (opcode === 'blob' || opcode === 'end' || opcode === 'nop') return [];
    this.#onRefused(opcode);
    const place = openers.get(opcode) ?? refusedOpeners.get(opcode);
    const index = place === undefined ? undefined : args[place];
    if (index === undefined || !/^\d{1,10}$/.test(index)) return [];
    this.#close(index);
    return [encodeInstructionBytes('ack', index, 'not allowed here', clientForbidden)];
  }
}

/** Of a picture's first bytes as base64; null: they are none, or none of a picture. */
function headerOf(text: string): ImageHeader | null {
  try {
    return readImageHeader(decodeBase64(text));
  } catch {
    return null;
  }
}

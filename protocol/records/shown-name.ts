/** One stretch of a name: to be read as it is, or signs that nobody would see, named. */
export interface NamePart {
  readonly text: string;
  /** Of signs that are not drawn, such as `U+202E`: what they are called. */
  readonly hidden: boolean;
}

/** What most names are made of, so that a list of thousands costs nothing: no sign here is hidden, none runs backwards. */
const plain = /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff]*$/;
/** Overrides, embeddings, isolates, joiners, tags, fillers and controls: no reader sees them. Spaces and lines count as seen. */
const hiddenRun =
  /(?:(?![\t\n\r])[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Zl}\p{Zp}\u2800\ufff9-\ufffb])+/gu;
/** Letters of scripts that run from right to left. */
const rightToLeft =
  /[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

const mostNamed = 3;

/**
 * A name that somebody else may have given, as a person can trust it to look: what is not drawn, and what would turn the
 * text around it, is named in its place (`U+202E`). Signs that scripts and emoji need stay: variation selectors, joiners
 * between what they join, marks of direction in a name that runs from right to left. [Note: names that lie]
 * `invoice‹U+202E›fdp.exe` looks like a PDF, and two titles that differ in a sign of no width look the same.
 */
export function shownParts(name: string): readonly NamePart[] {
  if (plain.test(name)) return [{ text: name, hidden: false }];
  const text = name.toWellFormed();
  const parts: { text: string; hidden: boolean }[] = [];
  let end = 0;
  for (const { 0: run, index } of text.matchAll(hiddenRun)) {
    const kept = run.length <= 2 && isNeeded(run, text.slice(0, index), text.slice(index + run.length), text);
    if (kept) continue;
    if (index > end) parts.push({ text: text.slice(end, index), hidden: false });
    parts.push({ text: namesOf(run), hidden: true });
    end = index + run.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), hidden: false });
  return parts;
}

/**
 * The same as one text, for titles and labels: hidden signs as `[U+202E]`. A name that runs from right to left is
 * isolated (U+2068, U+2069), so that what is said around it stays in its order.
 */
export function shownName(name: string): string {
  if (plain.test(name)) return name;
  const text = shownParts(name)
    .map((part) => (part.hidden ? `[${part.text}]` : part.text))
    .join('');
  return rightToLeft.test(text) ? `\u2068${text}\u2069` : text;
}

/** A text that may have names in it, without any sign that is not drawn but those with which {@link shownName} isolates. */
export function shownText(text: string): string {
  if (plain.test(text)) return text;
  return text
    .split(/([\u2068\u2069])/)
    .map((piece) => (piece === '\u2068' || piece === '\u2069' ? piece : signsNamed(piece)))
    .join('');
}

/** The name under which a file is saved: what is not drawn is `_`, so that its end is the end that a person reads. */
export function savedName(name: string): string {
  return shownParts(name)
    .map((part) => (part.hidden ? '_' : part.text))
    .join('')
    .replace(/[\t\n\r]+/g, '_');
}

function signsNamed(text: string): string {
  return shownParts(text)
    .map((part) => (part.hidden ? `[${part.text}]` : part.text))
    .join('');
}

/** Whether a script or an emoji is written with these signs. */
function isNeeded(run: string, before: string, after: string, whole: string): boolean {
  if (/^[\ufe0e\ufe0f]\u200d?$/.test(run)) return /\p{Emoji}$/u.test(before);
  if (run === '\u200d' && /\p{Emoji}$|\p{EMod}$/u.test(before))
    return /^\p{Extended_Pictographic}/u.test(after);
  if (run === '\u200c' || run === '\u200d') return joins.test(before);
  return /^[\u200e\u200f\u061c]$/.test(run) && rightToLeft.test(whole);
}

/** Ends in a letter of a script whose letters join or break by a sign. */
const joins =
  /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Mongolian}]$/u;

function namesOf(run: string): string {
  const codes = [...run].map(
    (sign) => `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
  const named = codes.slice(0, mostNamed).join(' ');
  return codes.length > mostNamed ? `${named} and ${codes.length - mostNamed} more` : named;
}

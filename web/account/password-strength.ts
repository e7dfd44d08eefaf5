import { limits } from '../../protocol/limits.ts';

export interface Strength {
  /** 0 to 4. */
  readonly score: number;
  readonly label: 'Too short' | 'Weak' | 'Fair' | 'Good' | 'Strong';
  readonly hint: string;
}

const labels = ['Too short', 'Weak', 'Fair', 'Good', 'Strong'] as const;
const hints = [
  `At least ${limits.password.min} characters.`,
  'Easy to guess. Four or more random words make a good one.',
  'Longer is better: add a word or two.',
  'Good. One more word would make it strong.',
  'Strong.',
] as const;
const bitsForScore = [40, 56, 72] as const;
const wellKnown =
  /password|passwort|qwert|asdf|letmein|welcome|iloveyou|sallyport|admin|summer|winter|monday|dragon/gi;

/** A rough estimate, deliberately harsh on repeats, runs and words everybody uses. It advises, it refuses nothing but length. */
export function estimateStrength(password: string, email = ''): Strength {
  const score = password.length < limits.password.min ? 0 : scoreOf(guessBits(strip(password, email)));
  return { score, label: labels[score] ?? 'Weak', hint: hints[score] ?? '' };
}

function scoreOf(bits: number): number {
  return 1 + bitsForScore.filter((least) => bits >= least).length;
}

/** What is known to a guesser counts as one character. */
function strip(password: string, email: string): string {
  const name = email.split('@')[0] ?? '';
  const known = password.replace(wellKnown, '·');
  return name.length > 2 ? known.replaceAll(name, '·') : known;
}

function guessBits(text: string): number {
  const surprising = [...text].filter((character, i) => !isExpected(character, text[i - 1])).length;
  return surprising * Math.log2(Math.max(2, alphabetOf(text)));
}

/** A repeat of the last character, or its neighbour as in `abc` and `321`. */
function isExpected(character: string, before: string | undefined): boolean {
  if (before === undefined) return false;
  return Math.abs(character.charCodeAt(0) - before.charCodeAt(0)) <= 1;
}

function alphabetOf(text: string): number {
  const classes: readonly [RegExp, number][] = [
    [/[a-z]/, 20],
    [/[A-Z]/, 20],
    [/\d/, 10],
    [/[^a-zA-Z\d]/, 16],
  ];
  return classes.reduce((sum, [pattern, size]) => sum + (pattern.test(text) ? size : 0), 0);
}

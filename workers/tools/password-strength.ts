import type { Options, ZxcvbnFactory } from '@zxcvbn-ts/core';
import { PlainStrength } from './plain-strength.ts';

/** How hard a password is to guess for someone who knows people's habits. */
export interface PasswordStrength {
  /** 0 and 1 fall to anyone, 2 to patience, 3 and 4 stand against guessing offline. */
  readonly score: 0 | 1 | 2 | 3 | 4;
  /** log10 of the guesses it takes. */
  readonly guessesLog10: number;
  /** What makes it weak, as a sentence that has no part of the password; empty when nothing does. */
  readonly warning: string;
}

/** Guessing time grows with the square of the length and faster, and 64 characters are judged well enough. */
const longest = 64;

interface Judges {
  readonly estimator: ZxcvbnFactory;
  readonly plain: PlainStrength;
}

let judges: Promise<Judges> | null = null;

/**
 * Loads its dictionaries (some MiB) with the first password. `known`: what a guesser knows, such as title and login. Some 1 to 9 ms.
 */
export async function estimateStrength(
  password: string,
  known: readonly string[] = [],
): Promise<PasswordStrength> {
  judges ??= loadJudges();
  const { estimator } = await judges;
  const { score, guessesLog10, feedback } = estimator.check(password.slice(0, longest), [...known]);
  return { score, guessesLog10, warning: feedback.warning ?? '' };
}

/** The strength of one that falls to guessing offline; null for a strong one, which most often takes some 0.1 ms. */
export async function findWeakness(
  password: string,
  known: readonly string[] = [],
): Promise<(PasswordStrength & { readonly score: 0 | 1 | 2 }) | null> {
  judges ??= loadJudges();
  const { plain } = await judges;
  if (plain.holds(password.slice(0, longest), known)) return null;
  const { score, ...rest } = await estimateStrength(password, known);
  return score === 3 || score === 4 ? null : { score, ...rest };
}

async function loadJudges(): Promise<Judges> {
  const [core, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ]);
  const estimator = new core.ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
    // Ways to read digits and signs as letters that are tried. The default of 100 takes 125 ms for 24 random
    // characters, this takes a twentieth and judges `P@ssw0rd1` the same.
    l33tMaxSubstitutions: 5,
  });
  const options: unknown = Reflect.get(estimator, 'options');
  if (!(options instanceof core.Options)) throw new Error('the estimator has no options of its own');
  const sequenceWords = mergeDictionaries(options);
  return {
    estimator,
    plain: new PlainStrength(options, sequenceWords),
  };
}

/**
 * Every stretch of a password is looked up in every dictionary, seven times over, and there are twenty. What nothing tells
 * apart becomes one, in which each word has the rank of the dictionary that it comes first in: the scores are the same.
 * Returns the words of which sequences are made, such as months.
 */
function mergeDictionaries(options: Options): readonly string[] {
  const merged: Options['rankedDictionaries'] = {};
  const widths: Record<string, number> = {};
  for (const [name, ranks] of Object.entries(options.rankedDictionaries)) {
    const into = options.isWordSequence(name) ? sequences : groupOf(name);
    const group = (merged[into] ??= Object.assign(Object.create(null), {}));
    for (const [word, rank] of Object.entries(ranks)) group[word] = Math.min(rank, group[word] ?? rank);
    widths[into] = Math.max(widths[into] ?? 0, options.rankedDictionariesMaxWordSize[name] ?? 0);
  }
  options.rankedDictionaries = merged;
  options.rankedDictionariesMaxWordSize = widths;
  return Object.keys(merged[sequences] ?? {});
}

/** Names of groups are those that warnings and scoring look for. */
const sequences = 'months';

function groupOf(name: string): string {
  if (/names/i.test(name)) return 'names';
  return /^(commonWords|wikipedia)/.test(name) ? 'wikipedia' : name;
}

import type { ZxcvbnFactory } from '@zxcvbn-ts/core';

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

let estimator: Promise<ZxcvbnFactory> | null = null;

/** Loads its dictionaries (some MiB) with the first password. `known`: what a guesser knows, such as title and login. */
export async function estimateStrength(
  password: string,
  known: readonly string[] = [],
): Promise<PasswordStrength> {
  estimator ??= loadEstimator();
  const { score, guessesLog10, feedback } = (await estimator).check(password.slice(0, longest), [...known]);
  return { score, guessesLog10, warning: feedback.warning ?? '' };
}

async function loadEstimator(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory: Factory }, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ]);
  return new Factory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
    // Ways to read digits and signs as letters that are tried. The default of 100 takes 125 ms for 24 random
    // characters, this takes 10 ms and judges `P@ssw0rd1` the same.
    l33tMaxSubstitutions: 5,
  });
}

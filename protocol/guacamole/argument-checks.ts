/** Tells whether one argument of an instruction is what it should be. */
export type ArgumentCheck = (argument: string) => boolean;

/** The checks of an instruction's arguments, in order. */
export function arity(...checks: readonly ArgumentCheck[]): readonly ArgumentCheck[] {
  return checks;
}

/** A canonical decimal integer within bounds. */
export function integer(min: number, max: number): ArgumentCheck {
  return (argument) => {
    if (!/^(0|-?[1-9]\d{0,15})$/.test(argument)) return false;
    const value = Number(argument);
    return value >= min && value <= max;
  };
}

/** A plain decimal fraction within bounds. */
export function real(min: number, max: number): ArgumentCheck {
  return (argument) => {
    if (!/^-?\d{1,10}(\.\d{1,20})?$/.test(argument)) return false;
    const value = Number(argument);
    return value >= min && value <= max;
  };
}

/** Text whose UTF-16 length is within bounds. */
export function text(min: number, max: number): ArgumentCheck {
  return (argument) => argument.length >= min && argument.length <= max;
}

export function oneOf(...words: readonly string[]): ArgumentCheck {
  return (argument) => words.includes(argument);
}

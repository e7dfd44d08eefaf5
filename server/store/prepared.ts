// Statements that are asked so often that planning them each time would take longer than running them.
import pg from 'pg';

/** Names of prepared statements, by their text. */
const names = new Map<string, string>();

/** A statement of constant text that each connection prepares once, under that name (PostgreSQL, PREPARE). Gives the text back. */
export function prepared(name: string, text: string): string {
  names.set(text, name);
  return text;
}

/** A connection that asks for them by their names. */
export class PreparingClient extends pg.Client {
  override query(...given: never[]): never {
    const [text, values, ...rest] = given as unknown[];
    const name = typeof text === 'string' ? names.get(text) : undefined;
    const asked = name === undefined ? given : [{ name, text, values }, ...rest];
    return Reflect.apply(super.query, this, asked) as never;
  }
}

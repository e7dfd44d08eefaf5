/** Whether PostgreSQL refused a row because its key is taken (SQLSTATE 23505). */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === '23505';
}

/** SQLSTATE classes and codes of a store that is gone, starting, too busy, or gave up waiting; and Node's for no way to it. */
const away = /^(08...|53...|57P0[1-5]|57014|55P03|40001|40P01|ECONN\w+|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH)$/;
/** pg's own errors have no code. */
const lost = /^(Connection terminated|timeout exceeded when trying to connect)/;

/** Whether the store could not be asked, so that the same request may succeed later. */
export function isStoreAway(error: unknown): boolean {
  const code = codeOf(error);
  if (typeof code === 'string') return away.test(code);
  return error instanceof Error && lost.test(error.message);
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
}

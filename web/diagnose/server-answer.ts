const answerMs = 10_000;

/** One request of this page's own server, past every cache. Rejects when it does not answer as it should. */
export async function askServer(signal: AbortSignal): Promise<void> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
  const { ok, status } = await fetch('/api/v1/server-keys', { cache: 'no-store', signal: limited });
  if (!ok) throw new Error(`the server answered with status ${status}`);
}

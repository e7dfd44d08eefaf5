/** The one-time token of a set-up link. It leaves the address bar, and with it the history, before anything else happens. */
export function takeSetupToken(): string | null {
  const token = /^#setup=([\w-]{16,128})$/.exec(location.hash)?.[1] ?? null;
  if (location.hash.startsWith('#setup=')) history.replaceState(null, '', location.pathname);
  return token;
}

/** Waits that a change of the network cuts short: the browser is online again, or on another network. */
export function pauseUnlessNetwork(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const connection = networkInformation();
    const timer = setTimeout(settle, milliseconds);
    window.addEventListener('online', settle);
    connection?.addEventListener('change', settle);
    signal.addEventListener('abort', settle);
    function settle(): void {
      clearTimeout(timer);
      window.removeEventListener('online', settle);
      connection?.removeEventListener('change', settle);
      signal.removeEventListener('abort', settle);
      resolve();
    }
  });
}

/** Network Information API: Chromium has it. */
function networkInformation(): EventTarget | null {
  const found: unknown = 'connection' in navigator ? navigator.connection : null;
  return found instanceof EventTarget ? found : null;
}

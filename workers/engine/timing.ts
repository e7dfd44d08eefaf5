/**
 * Measures a step by User Timing, for whoever observes at that moment: nothing is kept, and a name says nothing of a
 * person.
 */
export async function timed<T>(
  name: 'sallyport:local-key' | 'sallyport:sync' | 'sallyport:snapshot' | 'sallyport:held-index',
  step: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  try {
    return await step();
  } finally {
    performance.measure(name, { start });
    performance.clearMeasures(name);
  }
}

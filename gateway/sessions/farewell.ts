import type { Stream } from '../../protocol/channel/multiplexer.ts';

/** A page that does not end its side of the stream in this time is cut off. */
const farewellMs = 2_000;

/**
 * Ends our direction of a page's stream. Settles when the page has ended its own, because then it has read all that was
 * said, or was given time to. `pageEnded`: it has already.
 */
export function takeLeave(stream: Stream | null, pageEnded: boolean): Promise<void> {
  if (!stream?.open || pageEnded) {
    stream?.end();
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const deadline = setTimeout(() => {
      stream.reset('closed');
      resolve();
    }, farewellMs);
    const gone = () => {
      clearTimeout(deadline);
      resolve();
    };
    stream.onEnd = gone;
    stream.onReset = gone;
    stream.end();
  });
}

let made: AudioContext | null = null;

/** One for all sessions of the page, made when the first sound comes; null: this browser has none. */
export function soundContext(): AudioContext | null {
  if (typeof AudioContext === 'undefined') return null;
  made ??= new AudioContext({ latencyHint: 'interactive' });
  return made;
}

const gestures = ['pointerdown', 'keydown'] as const;

/** Browsers play nothing before the person has done something in the page: then it begins. The result gives that up. */
export function onGesture(context: AudioContext): () => void {
  const resume = () => {
    if (context.state === 'suspended') context.resume().catch(() => {}); // the next gesture tries again
  };
  resume();
  for (const name of gestures) document.addEventListener(name, resume, { capture: true, passive: true });
  return () => {
    for (const name of gestures) document.removeEventListener(name, resume, { capture: true });
  };
}

import type { PlainPage } from '../state/place.ts';

type GoPage = 'vault' | 'recordings' | 'applications' | 'events' | PlainPage;

export interface ShortcutTargets {
  readonly palette: () => void;
  readonly search: () => void;
  readonly help: () => void;
  readonly lock: () => void;
  readonly newRecord: () => void;
  readonly go: (page: GoPage) => void;
  /** A session is on the screen. */
  readonly inSession: () => boolean;
}

interface Shortcut {
  readonly keys: readonly string[];
  readonly does: string;
}

/** What the help shows; the list and record entries are handled where they happen. */
export const shortcutHelp: readonly { readonly title: string; readonly shortcuts: readonly Shortcut[] }[] = [
  {
    title: 'Everywhere',
    shortcuts: [
      { keys: ['Ctrl', 'K'], does: 'Find a record or command' },
      { keys: ['/'], does: 'Search records' },
      { keys: ['n'], does: 'New record' },
      { keys: ['g', 'v'], does: 'Go to the vault' },
      { keys: ['g', 'g'], does: 'Go to gateways' },
      { keys: ['g', 'a'], does: 'Go to applications' },
      { keys: ['g', 'l'], does: 'Go to live sessions, as an administrator' },
      { keys: ['g', 'r'], does: 'Go to recordings' },
      { keys: ['g', 'e'], does: 'Go to events' },
      { keys: ['g', 'p'], does: 'Go to people and teams' },
      { keys: ['g', 'h'], does: 'Go to password health' },
      { keys: ['g', 'i'], does: 'Go to import and export' },
      { keys: ['g', 's'], does: 'Go to settings' },
      { keys: ['Ctrl', 'Alt', 'L'], does: 'Lock' },
      { keys: ['?'], does: 'This help' },
    ],
  },
  {
    title: 'In a search, before a word',
    shortcuts: [
      { keys: ['title:'], does: 'In the title' },
      { keys: ['user:'], does: 'In the login' },
      { keys: ['url:', 'host:'], does: 'In the address, in the host' },
      { keys: ['text:'], does: 'In notes, other fields and names of files' },
      { keys: ['type:', 'tag:'], does: 'Of a type, with a tag' },
      { keys: ['in:'], does: 'In a folder' },
      { keys: ['is:'], does: 'favourite, shared or mine' },
    ],
  },
  {
    title: 'The open record',
    shortcuts: [
      { keys: ['c'], does: 'Copy the password' },
      { keys: ['u'], does: 'Copy the login' },
      { keys: ['o'], does: 'Open the website' },
      { keys: ['Ctrl', 'Enter'], does: 'Save the form' },
      { keys: ['Esc'], does: 'Close, or leave a form' },
    ],
  },
  {
    title: 'Lists',
    shortcuts: [
      { keys: ['↑', '↓'], does: 'Move in the list' },
      { keys: ['Enter'], does: 'Open' },
      { keys: ['x'], does: 'Choose, or undo that' },
      { keys: ['Shift', '↑', '↓'], does: 'Choose more' },
      { keys: ['Ctrl', 'A'], does: 'Choose all' },
      { keys: ['Delete'], does: 'Move to the trash' },
      { keys: ['F2'], does: 'Rename a folder' },
    ],
  },
  {
    title: 'In a recording',
    shortcuts: [
      { keys: ['k'], does: 'Play or pause' },
      { keys: ['j'], does: 'Ten seconds back (l: on)' },
      { keys: ['m'], does: 'Mark the moment' },
      { keys: [',', '.'], does: 'To the marker before, to the next' },
      { keys: ['←', '→'], does: 'On the timeline: five seconds, with Shift one' },
      { keys: ['Home', 'End'], does: 'On the timeline: to the beginning, to the end' },
    ],
  },
  {
    title: 'In a session',
    shortcuts: [
      { keys: ['Ctrl', 'Shift', 'V'], does: 'Paste (Ctrl V and Shift Insert too)' },
      { keys: ['Ctrl', 'Shift', 'C'], does: 'Copy what is selected' },
      { keys: ['Ctrl', 'Alt', 'Shift'], does: 'Release the keyboard from the session' },
      { keys: ['F6'], does: 'Once it is released: the next session beside it' },
    ],
  },
];

/** After `g`. */
const goKeys: ReadonlyMap<string, GoPage> = new Map([
  ['r', 'recordings'],
  ['e', 'events'],
  ['v', 'vault'],
  ['g', 'gateways'],
  ['a', 'applications'],
  ['l', 'live'],
  ['p', 'people'],
  ['h', 'health'],
  ['i', 'transfer'],
  ['s', 'settings'],
]);

const sequenceMs = 1_200;

/** Listens to the page's shortcuts; the function returned stops it. */
export function bindShortcuts(targets: ShortcutTargets): () => void {
  let wentAt = -Infinity;
  const onKey = (event: KeyboardEvent): void => {
    if (isLock(event)) {
      event.preventDefault();
      event.stopPropagation();
      return targets.lock();
    }
    if (isPalette(event)) {
      event.preventDefault();
      return targets.palette();
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || takesText(event.target))
      return;
    // What was pressed or asked is gone, and its focus: whoever goes on typing means the session.
    if (event.target === document.body && targets.inSession()) return;
    const afterG = event.timeStamp - wentAt < sequenceMs;
    wentAt = event.key === 'g' && !afterG ? event.timeStamp : -Infinity;
    const run = afterG ? goTarget(event.key, targets) : plainTarget(event.key, targets);
    if (run === null) return;
    event.preventDefault();
    run();
  };
  // In the capturing phase: a session's keyboard must not swallow the lock.
  window.addEventListener('keydown', onKey, { capture: true });
  return () => window.removeEventListener('keydown', onKey, { capture: true });
}

/** By the place of the key: with Alt many layouts give another letter. */
function isLock(event: KeyboardEvent): boolean {
  return event.ctrlKey && event.altKey && !event.shiftKey && !event.metaKey && event.code === 'KeyL';
}

/** In a form too, but never in a session: shells have that key for their own. */
function isPalette(event: KeyboardEvent): boolean {
  const pressed =
    (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.code === 'KeyK';
  return pressed && !(event.target instanceof Element && event.target.closest('[data-session]'));
}

function plainTarget(key: string, targets: ShortcutTargets): (() => void) | null {
  switch (key) {
    case '/':
      return targets.search;
    case '?':
      return targets.help;
    case 'n':
      return targets.newRecord;
    default:
      return null;
  }
}

function goTarget(key: string, { go }: ShortcutTargets): (() => void) | null {
  const page = goKeys.get(key);
  return page === undefined ? null : () => go(page);
}

/** Typing belongs to fields, to dialogs and to sessions. */
export function takesText(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest(
      'input, textarea, select, [contenteditable], [role="dialog"], [role="menu"], [data-session]',
    ) !== null
  );
}

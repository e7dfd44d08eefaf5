// Draws recorded terminals beside the page: what a machine wrote may keep it busy, and reaches neither page nor vault.
import './worker-window.ts'; // before the terminal
import { expose } from 'comlink';
import { TerminalDesk } from './terminal-desk.ts';

expose(new TerminalDesk());

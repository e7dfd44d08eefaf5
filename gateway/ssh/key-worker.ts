/** A thread of its own for one encrypted private key: bcrypt with 100 rounds takes seconds, and sessions go on. */
import { parentPort, workerData } from 'node:worker_threads';
import { readKeyText } from './key-text.ts';

const { source, passphrase } = workerData as { source: string; passphrase: string };
parentPort?.postMessage(readKeyText(source, passphrase));

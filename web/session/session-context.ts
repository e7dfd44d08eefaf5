import { createContext } from 'svelte';
import type { Sessions } from './sessions.svelte.ts';

export const [getSessions, setSessions] = createContext<Sessions>();

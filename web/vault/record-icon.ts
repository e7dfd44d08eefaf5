import FileLock from '@lucide/svelte/icons/file-lock';
import Globe from '@lucide/svelte/icons/globe';
import Server from '@lucide/svelte/icons/server';
import UserKey from '@lucide/svelte/icons/user-key';
import type { Component } from 'svelte';

const icons: Readonly<Record<string, Component<{ size?: number }>>> = {
  pamMachine: Server,
  pamUser: UserKey,
  login: Globe,
};

export function recordIcon(type: string): Component<{ size?: number }> {
  return icons[type] ?? FileLock;
}

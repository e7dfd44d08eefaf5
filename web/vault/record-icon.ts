import Contact from '@lucide/svelte/icons/contact';
import CreditCard from '@lucide/svelte/icons/credit-card';
import Database from '@lucide/svelte/icons/database';
import File from '@lucide/svelte/icons/file';
import FileLock from '@lucide/svelte/icons/file-lock';
import FolderTree from '@lucide/svelte/icons/folder-tree';
import Globe from '@lucide/svelte/icons/globe';
import KeyRound from '@lucide/svelte/icons/key-round';
import Landmark from '@lucide/svelte/icons/landmark';
import MapPin from '@lucide/svelte/icons/map-pin';
import Monitor from '@lucide/svelte/icons/monitor';
import Notebook from '@lucide/svelte/icons/notebook';
import Package from '@lucide/svelte/icons/package';
import Shapes from '@lucide/svelte/icons/shapes';
import Server from '@lucide/svelte/icons/server';
import UserKey from '@lucide/svelte/icons/user-key';
import Webhook from '@lucide/svelte/icons/webhook';
import type { Component } from 'svelte';

const icons: Readonly<Record<string, Component<{ size?: number }>>> = {
  pamMachine: Server,
  pamDatabase: Database,
  pamDirectory: FolderTree,
  pamUser: UserKey,
  pamRemoteBrowser: Monitor,
  login: Globe,
  sshKeys: KeyRound,
  databaseCredentials: Database,
  serverCredentials: Server,
  encryptedNotes: Notebook,
  contact: Contact,
  address: MapPin,
  bankCard: CreditCard,
  bankAccount: Landmark,
  softwareLicense: Package,
  apiCredential: Webhook,
  file: File,
};

export function recordIcon(type: string): Component<{ size?: number }> {
  return icons[type] ?? (type.startsWith('custom:') ? Shapes : FileLock);
}

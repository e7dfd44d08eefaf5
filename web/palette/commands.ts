import { shownName } from '../../protocol/records/shown-name.ts';
import Bot from '@lucide/svelte/icons/bot';
import ArrowRightLeft from '@lucide/svelte/icons/arrow-right-left';
import FolderPlus from '@lucide/svelte/icons/folder-plus';
import History from '@lucide/svelte/icons/rotate-ccw-clock';
import Film from '@lucide/svelte/icons/film';
import Folder from '@lucide/svelte/icons/folder';
import HeartPulse from '@lucide/svelte/icons/heart-pulse';
import Keyboard from '@lucide/svelte/icons/keyboard';
import Lock from '@lucide/svelte/icons/lock';
import LogOut from '@lucide/svelte/icons/log-out';
import MonitorPlay from '@lucide/svelte/icons/monitor-play';
import Network from '@lucide/svelte/icons/network';
import Plus from '@lucide/svelte/icons/plus';
import RefreshCw from '@lucide/svelte/icons/refresh-cw';
import Settings from '@lucide/svelte/icons/settings';
import TextSearch from '@lucide/svelte/icons/text-search';
import Star from '@lucide/svelte/icons/star';
import Trash2 from '@lucide/svelte/icons/trash';
import Users from '@lucide/svelte/icons/users';
import type { Component } from 'svelte';
import type { AppContext } from '../state/app-context.ts';
import { recordPlace } from '../state/place.ts';
import type { FolderTasks } from '../vault/organising/folder-tasks.svelte.ts';
import type { Places } from '../vault/organising/places.svelte.ts';
import type { RecordTypes } from '../vault/record-types.svelte.ts';

export interface PaletteCommand {
  readonly id: string;
  readonly title: string;
  readonly icon: Component<{ size?: number }>;
  readonly hint?: string;
  readonly run: () => void;
}

interface Parts {
  readonly app: AppContext;
  readonly places: Places;
  readonly types: RecordTypes;
  readonly folderTasks: FolderTasks;
  readonly onhelp: () => void;
  readonly onlock: () => void;
}

/** Everything that can be done from anywhere. */
export function paletteCommands({
  app,
  places,
  types,
  folderTasks,
  onhelp,
  onlock,
}: Parts): PaletteCommand[] {
  const { route, vault, toasts } = app;
  const failing = (task: Promise<unknown>, what: string) =>
    void task.catch((error: unknown) => toasts.fail(error, what));
  return [
    ...types.listed.map(({ type, title }) => ({
      id: `new-${type}`,
      title: `New ${shownName(title.toLowerCase())}`,
      icon: Plus,
      run: () => route.go({ page: 'new', type }),
    })),
    { id: 'new-folder', title: 'New folder', icon: FolderPlus, run: () => folderTasks.create(null) },
    {
      id: 'new-shared-folder',
      title: 'New shared folder',
      icon: FolderPlus,
      run: () => folderTasks.createShared(),
    },
    {
      id: 'favourites',
      title: 'Go to favourites',
      icon: Star,
      run: () => route.go(recordPlace(null, { kind: 'favourites' })),
    },
    {
      id: 'with-me',
      title: 'Go to shared with me',
      icon: Users,
      run: () => route.go(recordPlace(null, { kind: 'with-me' })),
    },
    {
      id: 'trash',
      title: 'Go to the trash',
      icon: Trash2,
      run: () => route.go(recordPlace(null, { kind: 'trash' })),
    },
    ...places.current.folders.map(({ uid }) => ({
      id: `folder-${uid}`,
      title: `Go to ${shownName(places.pathOf(uid))}`,
      icon: Folder,
      run: () => route.go(recordPlace(null, { kind: 'folder', folderUid: uid })),
    })),
    ...(vault.state.membership === 'administrator'
      ? [
          {
            id: 'live',
            title: 'Go to live sessions',
            icon: MonitorPlay,
            hint: 'g l',
            run: () => route.go({ page: 'live' }),
          },
        ]
      : []),
    {
      id: 'gateways',
      title: 'Go to gateways',
      icon: Network,
      hint: 'g g',
      run: () => route.go({ page: 'gateways' }),
    },
    {
      id: 'applications',
      title: 'Go to applications',
      icon: Bot,
      hint: 'g a',
      run: () => route.go({ page: 'applications' }),
    },
    {
      id: 'recordings',
      title: 'Go to recordings',
      icon: Film,
      hint: 'g r',
      run: () => route.go({ page: 'recordings' }),
    },
    {
      id: 'events',
      title: 'Go to session events',
      icon: History,
      run: () => route.go({ page: 'events' }),
    },
    {
      id: 'recording-search',
      title: 'Search in recordings',
      icon: TextSearch,
      run: () => route.go({ page: 'recording-search' }),
    },
    {
      id: 'people',
      title: 'Go to people and teams',
      icon: Users,
      hint: 'g p',
      run: () => route.go({ page: 'people' }),
    },
    {
      id: 'health',
      title: 'Go to password health',
      icon: HeartPulse,
      hint: 'g h',
      run: () => route.go({ page: 'health' }),
    },
    {
      id: 'transfer',
      title: 'Import or export',
      icon: ArrowRightLeft,
      hint: 'g i',
      run: () => route.go({ page: 'transfer' }),
    },
    {
      id: 'settings',
      title: 'Go to settings',
      icon: Settings,
      hint: 'g s',
      run: () => route.go({ page: 'settings' }),
    },
    {
      id: 'sync',
      title: 'Sync now',
      icon: RefreshCw,
      run: () => failing(vault.verbs.syncNow(), 'Not synced'),
    },
    { id: 'help', title: 'Keyboard shortcuts', icon: Keyboard, hint: '?', run: onhelp },
    { id: 'lock', title: 'Lock', icon: Lock, hint: 'Ctrl Alt L', run: onlock },
    {
      id: 'sign-out',
      title: 'Sign out',
      icon: LogOut,
      run: () => failing(vault.verbs.signOut(), 'Not signed out'),
    },
  ];
}

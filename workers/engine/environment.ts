import type { Bytes } from '../../protocol/bytes.ts';
import type { Clock } from './clock.ts';
import type { VaultStorage } from './storage.ts';
import type { Tabs } from './tabs.ts';

/** All that the engine needs of the world around it. It reaches nothing else. */
export interface Environment {
  /** The one origin that the engine ever talks to. */
  readonly origin: string;
  readonly storage: VaultStorage;
  readonly transport: Transport;
  readonly clock: Clock;
  /** Shown in the device list: "Chromium on Linux". */
  readonly deviceName: string;
  /** Runs one task of that name at a time, across every engine that shares the storage. */
  readonly exclusive: <T>(name: string, task: () => Promise<T>) => Promise<T>;
  readonly tabs: Tabs;
  /** What a developer should know and a person need not. Holds no secret. */
  readonly warn: (message: string) => void;
}

/** The way to the one server. */
export interface Transport {
  /** Posts a body, or gets without one. Rejects when there is no answer. */
  request(url: URL, body: Bytes | null, signal: AbortSignal): Promise<HttpAnswer>;
  /** A WebSocket of binary messages. */
  openSocket(url: URL, events: SocketEvents): Socket;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Bytes;
}

export interface SocketEvents {
  opened(): void;
  received(frame: Bytes): void;
  /** Once, whatever the cause. Nothing comes after it. */
  closed(): void;
}

export interface Socket {
  /** Bytes that have not left yet. */
  readonly waiting: number;
  send(frame: Bytes): void;
  close(): void;
}

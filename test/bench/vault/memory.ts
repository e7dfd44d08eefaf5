// Memory of a page and of its worker, in MiB, after a garbage collection.
import type { CDPSession, Page } from 'playwright';

/** JavaScript heaps by the browser's debugging protocol: the page is not cross-origin isolated, so it cannot ask itself. */
export async function measureMemory(page: Page): Promise<string> {
  const session = await page.context().newCDPSession(page);
  try {
    const target = await workerTarget(session);
    await session.send('HeapProfiler.collectGarbage');
    await askWorker(session, target, 'HeapProfiler.collectGarbage');
    const own = await session.send('Runtime.getHeapUsage');
    const worker = await askWorker(session, target, 'Runtime.getHeapUsage');
    return `memory (JavaScript heap and its buffers): page ${sizeOf(own)}, worker ${sizeOf(worker)}`;
  } finally {
    await session.detach();
  }
}

interface HeapUsage {
  readonly usedSize?: number;
  readonly backingStorageSize?: number;
}

async function workerTarget(session: CDPSession): Promise<string> {
  const attached = new Promise<string>((resolve) => {
    session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      if (targetInfo.type === 'worker') resolve(sessionId);
    });
  });
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  return await attached;
}

let asked = 0;

async function askWorker(session: CDPSession, sessionId: string, method: string): Promise<HeapUsage> {
  const id = ++asked;
  const answer = new Promise<HeapUsage>((resolve) => {
    const listen = (event: { sessionId: string; message: string }) => {
      const message = JSON.parse(event.message) as { id?: number; result?: HeapUsage };
      if (event.sessionId !== sessionId || message.id !== id) return;
      session.off('Target.receivedMessageFromTarget', listen);
      resolve(message.result ?? {});
    };
    session.on('Target.receivedMessageFromTarget', listen);
  });
  await session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) });
  return await answer;
}

function sizeOf({ usedSize = 0, backingStorageSize = 0 }: HeapUsage): string {
  return `${((usedSize + backingStorageSize) / 2 ** 20).toFixed(0)} MiB`;
}

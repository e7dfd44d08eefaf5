// TypeScript from protocol/messages/*.proto, by the plugin in node_modules: works offline.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ToolOptions } from '../process/tool.ts';
import { root, runTool } from '../process/tool.ts';

const folder = join(root, 'protocol/messages');

/** Lints the messages and writes them into `protocol/messages/gen`. Returns an exit code. */
export async function generateMessages(options: ToolOptions): Promise<number> {
  const there = { ...options, folder };
  return (await runTool('buf', ['lint'], there)) || (await runTool('buf', ['generate'], there));
}

/** Lints the messages and compares what they give with what is checked in. Returns an exit code. */
export async function verifyMessages(options: ToolOptions): Promise<number> {
  const fresh = mkdtempSync(join(tmpdir(), 'sallyport-messages-'));
  try {
    const there = { ...options, folder };
    const code =
      (await runTool('buf', ['lint'], there)) || (await runTool('buf', ['generate', '-o', fresh], there));
    return code || (sameFiles(join(fresh, 'gen'), join(folder, 'gen')) ? 0 : stale(options));
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

function sameFiles(a: string, b: string): boolean {
  const [first, second] = [contents(a), contents(b)];
  return JSON.stringify(first) === JSON.stringify(second);
}

function contents(path: string): [string, string][] {
  return readdirSync(path)
    .sort()
    .map((name) => [name, readFileSync(join(path, name), 'utf8')]);
}

function stale({ line = console.error }: ToolOptions): number {
  line('protocol/messages/gen is not what protocol/messages/*.proto give: run npm run proto');
  return 1;
}

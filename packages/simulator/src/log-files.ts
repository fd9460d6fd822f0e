import type { VirtualDisk } from '@d-engine/virtual-env';
import { recordAlignment } from './disk-layout.ts';
import { dataDirectory } from './virtual-cluster.ts';

/** A file of a member's log, as one sees it from outside. */
export interface LogFile {
  readonly path: string;
  /** Of the whole file: what a crash tore may have kept the end alone. */
  readonly hasHeader: boolean;
  readonly usedBytes: number;
  readonly freeBytes: number;
}

const logDirectory = `${dataDirectory}/log`;

/** In their order, those that nothing was written to among them. */
export function logFiles(disk: VirtualDisk): LogFile[] {
  return (disk.peekNames(logDirectory) ?? [])
    .filter((name) => name.endsWith('.segment'))
    .map((name) => {
      const path = `${logDirectory}/${name}`;
      const content = disk.peek(path) ?? new Uint8Array();
      const usedBytes = bytesUsed(content);
      const hasHeader = (content[0] ?? 0) !== 0;
      return { path, hasHeader, usedBytes, freeBytes: content.length - usedBytes };
    });
}

function bytesUsed(content: Uint8Array): number {
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end -= 1;
  return Math.ceil(end / recordAlignment) * recordAlignment;
}

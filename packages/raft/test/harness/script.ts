/**
 * A golden script: blocks of a command line, `----` and the output that the command must print,
 * ended by a blank line. Lines that start with `#` outside of an output are comments.
 */
export interface Script {
  readonly file: string;
  readonly parts: readonly ScriptPart[];
}

export type ScriptPart =
  | { readonly type: 'text'; readonly lines: readonly string[] }
  | {
      readonly type: 'command';
      readonly text: string;
      /** Of the command, counted from 1. */
      readonly line: number;
      readonly output: readonly string[];
    };

/** Something is wrong with a script, or a script's expectation did not come true. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

const ruler = '----';
/** What a command without output must show, so that no block is empty. */
export const noOutput = 'ok';

export function parseScript(file: string, text: string): Script {
  const lines = text.replace(/\n$/, '').split('\n');
  const parts: ScriptPart[] = [];
  let position = 0;
  while (position < lines.length) {
    const line = lines[position] ?? '';
    if (line === '' || line.startsWith('#')) {
      parts.push({ type: 'text', lines: [line] });
      position += 1;
      continue;
    }
    const outputFrom = lines[position + 1] === ruler ? position + 2 : position + 1;
    if (outputFrom === position + 1 && (lines[outputFrom] ?? '') !== '') {
      throw new ScriptError(`${file}:${position + 2}: expected ${ruler} or a blank line`);
    }
    let end = outputFrom;
    while (end < lines.length && lines[end] !== '') end += 1;
    const output = lines.slice(outputFrom, end);
    parts.push({ type: 'command', text: line, line: position + 1, output });
    position = end;
  }
  return { file, parts };
}

/** The script as text, with `outputs` instead of what it held; one for each command. */
export function renderScript(script: Script, outputs: readonly (readonly string[])[]): string {
  const lines: string[] = [];
  let command = 0;
  for (const part of script.parts) {
    if (part.type === 'text') lines.push(...part.lines);
    else lines.push(part.text, ruler, ...(outputs[command++] ?? part.output));
  }
  return `${lines.join('\n')}\n`;
}

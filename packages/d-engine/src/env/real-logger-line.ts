import type { LogFields } from '@d-engine/base';

/** What readers and terminals take for a line's end, or worse: control characters and the like. */
const unprintable = /[\p{Cc}\u2028\u2029]/gu;
const bareWord = /^[^\s"=\p{Cc}]+$/u;

/** One line of the log, with its newline; whatever it is made of, it has no other. */
export function formatLine(
  time: Date,
  level: string,
  message: string,
  fields: LogFields | undefined,
): string {
  let line = `${time.toISOString()} ${level} ${escaped(message)}`;
  if (fields !== undefined) {
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      line += ` ${key}=${typeof value === 'string' ? formatText(value) : String(value)}`;
    }
  }
  return `${line}\n`;
}

function formatText(value: string): string {
  return bareWord.test(value) ? value : escaped(JSON.stringify(value));
}

function escaped(text: string): string {
  return text.replace(unprintable, (character) => {
    if (character === '\n') return '\\n';
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

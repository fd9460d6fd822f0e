import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

// What the pages name must exist: files, headings, commands. A page that names what is gone sends
// its reader astray, and nobody else would notice.

export interface NamedTargets {
  /** Of the Makefiles that a reader of the page may type `make` beside. */
  readonly make: ReadonlySet<string>;
  readonly npm: ReadonlySet<string>;
  /** All files of the repository. */
  readonly files: readonly string[];
}

/** What `page` names and the repository does not have, one line each. Run it in the root. */
export function brokenReferences(page: string, text: string, targets: NamedTargets): string[] {
  return [
    ...brokenLinks(page, text),
    ...brokenPaths(text, targets),
    ...brokenCommands(text, targets),
  ].map((problem) => `${page}: ${problem}`);
}

const outside = /^(https?:|mailto:)/;

function brokenLinks(page: string, text: string): string[] {
  const problems: string[] = [];
  for (const [, target = ''] of withoutCode(text).matchAll(/\]\(([^()\s]+)\)/g)) {
    if (outside.test(target)) continue;
    const [file = '', heading] = target.split('#');
    const path = file === '' ? page : normalize(join(dirname(page), file));
    if (!existsSync(path)) problems.push(`the link ${target} leads nowhere`);
    else if (heading !== undefined && !headingsOf(path).has(heading)) {
      problems.push(`${path} has no heading #${heading}`);
    }
  }
  return problems;
}

/** As GitHub makes them from headings. */
export function headingsOf(path: string): Set<string> {
  const text = withoutBlocks(readFileSync(path, 'utf8'));
  return new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title)));
}

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

const repositoryFolders = /^(packages|tools|examples|docs|benches|\.ci)\/[\w./-]+$/;
/** Golden scripts are named from here. */
const goldenFolder = 'packages/raft/test';
/** Source is named from `packages` on, or, in the flow of a text, by the end of its path. */
const sourceFolders = /^[a-z-]+\/(src|test|proto|planted)\/[\w./-]+$/;
const sourceFile = /^[\w/-]+\.ts$/;

function brokenPaths(text: string, { files }: NamedTargets): string[] {
  const problems: string[] = [];
  for (const [, code = ''] of withoutBlocks(text).matchAll(/`([^`\n]+)`/g)) {
    if (code.includes('/dist') || code.includes('*')) continue;
    const path = pathOf(code);
    const exists =
      path !== undefined
        ? existsSync(path)
        : !sourceFile.test(code) || files.some((file) => file.endsWith(`/${code}`));
    if (!exists) problems.push(`${code} does not exist`);
  }
  return problems;
}

function pathOf(code: string): string | undefined {
  if (repositoryFolders.test(code)) return code;
  if (/^golden\/[\w./-]+$/.test(code)) return join(goldenFolder, code);
  return sourceFolders.test(code) ? join('packages', code) : undefined;
}

function brokenCommands(text: string, { make, npm }: NamedTargets): string[] {
  const problems: string[] = [];
  for (const line of commandsIn(text)) {
    for (const [, target = ''] of line.matchAll(/(?:^|[\s;&])make ((?!-)[a-z][\w-]*)/g)) {
      if (!make.has(target)) problems.push(`there is no "make ${target}"`);
    }
    for (const [, script = ''] of line.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)) {
      if (!npm.has(script)) problems.push(`there is no "npm run ${script}"`);
    }
  }
  return problems;
}

/** Lines of code blocks, without their comments, and inline code. */
function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block.split('\n').map((line) => line.replace(/#.*$/, '')),
  );
  const indented = text.split('\n').filter((line) => line.startsWith('    '));
  const inline = [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  return [...blocks, ...indented, ...inline];
}

function withoutBlocks(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '');
}

function withoutCode(text: string): string {
  return withoutBlocks(text).replace(/`[^`\n]+`/g, '');
}

/** Targets of a Makefile. */
export function makeTargets(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/^([\w-]+):/gm)].map(([, name = '']) => name);
}

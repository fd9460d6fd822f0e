import ts from 'typescript';

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface TidyFile {
  /** Path below the repository's root. */
  readonly path: string;
  readonly text: string;
}

export const fileLinesMax = 500;
export const functionLinesMax = 70;
export const lineColumnsMax = 100;

/** Everything that `file` does against the house rules. */
export function tidy(file: TidyFile): Finding[] {
  const findings = [...forbiddenAddresses(file)];
  if (!isCode(file.path)) return findings;
  findings.push(...tooLong(file), ...forbiddenWords(file));
  if (isScript(file.path)) findings.push(...forbiddenSyntax(file));
  return findings;
}

export function isCode(path: string): boolean {
  return isScript(path) || /\.(sh|proto)$/.test(path) || /(^|\/)Makefile$/.test(path);
}

function isScript(path: string): boolean {
  return /\.[cm]?[jt]s$/.test(path);
}

function isTypeScript(path: string): boolean {
  return /\.[cm]?ts$/.test(path);
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || /(^|\/)test\//.test(path);
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function tooLong({ path, text }: TidyFile): Finding[] {
  const lines = linesOf(text);
  const findings: Finding[] = [];
  if (lines.length > fileLinesMax) {
    const message = `${lines.length} lines, at most ${fileLinesMax}: which concept wants its own?`;
    findings.push({ file: path, line: lines.length, message });
  }
  if (!isTypeScript(path) || quotesSource(path)) return findings;
  lines.forEach((line, at) => {
    // An address cannot be broken, and a link that cannot be followed is worth nothing.
    if (line.length <= lineColumnsMax || /https?:\/\/\S{40}/.test(line)) return;
    const message = `${line.length} columns, at most ${lineColumnsMax}`;
    findings.push({ file: path, line: at + 1, message });
  });
  return findings;
}

/** Planted bugs name the lines that they change, word by word and indented once more. */
function quotesSource(path: string): boolean {
  return path.startsWith('packages/simulator/planted/');
}

/** Patterns are put together from pieces, so that this file does not hold what it looks for. */
const openWork = ['TO|DO', 'FIX|ME', 'X|XX', 'HA|CK'].map((word) => word.replace('|', ''));
const words: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`\\b(${openWork.join('|')})\\b`), 'unfinished work: finish it, or write an issue'],
  [new RegExp(`@ts-(${'ig'}nore|${'no'}check)`), 'the compiler is silenced'],
];

function forbiddenWords({ path, text }: TidyFile): Finding[] {
  return firstMatches(path, text, words);
}

/** At most one finding a line: the first pattern that matches it. */
function firstMatches(
  file: string,
  text: string,
  patterns: readonly (readonly [RegExp, string])[],
): Finding[] {
  return linesOf(text).flatMap((line, at) => {
    const found = patterns.find(([pattern]) => pattern.test(line));
    return found === undefined ? [] : [{ file, line: at + 1, message: found[1] }];
  });
}

const hosts = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['proxy', 'golang', 'org'],
  ['sum', 'golang', 'org'],
  ['index', 'crates', 'io'],
  ['static', 'crates', 'io'],
].map((labels) => labels.join('\\.'));

const paths = [['work'], ['root'], ['tmp', 'bash_jobs']].map((parts) => `/${parts.join('/')}`);

const addresses: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`\\b(${hosts.join('|')})\\b`, 'i'), "a package registry's address"],
  [/https?:\/\/registry\./i, "a package registry's address"],
  [new RegExp(`(^|[^\\w.$)}~/-])(${paths.join('|')})/`), 'a path of one machine'],
];

function forbiddenAddresses({ path, text }: TidyFile): Finding[] {
  return firstMatches(path, text, addresses);
}

function forbiddenSyntax({ path, text }: TidyFile): Finding[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const findings: Finding[] = [];
  const report = (node: ts.Node, message: string): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    findings.push({ file: path, line: line + 1, message });
  };
  const visit = (node: ts.Node): void => {
    const message = complaint(node, source);
    if (message !== undefined) report(node, message);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return findings;
}

function complaint(node: ts.Node, source: ts.SourceFile): string | undefined {
  if (ts.isFunctionLike(node)) return longFunction(node, source);
  if (ts.isCatchClause(node) && saysNothing(node.block, source)) {
    return 'an error is swallowed: handle it, or say in words why not';
  }
  if (node.kind === ts.SyntaxKind.AnyKeyword) return 'any: the type is given up';
  if (ts.isPropertyAccessExpression(node)) return restrictedTest(node);
  if (ts.isCallExpression(node)) return unrunTest(node) ?? swallowedRejection(node, source);
  if (ts.isBinaryExpression(node)) return processTitle(node);
  return undefined;
}

function longFunction(node: ts.Node, source: ts.SourceFile): string | undefined {
  if (isTest(source.fileName) && isDescribeCallback(node)) return undefined;
  const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
  const last = source.getLineAndCharacterOfPosition(node.getEnd()).line;
  const lines = last - first + 1;
  if (lines <= functionLinesMax) return undefined;
  return `a function of ${lines} lines, at most ${functionLinesMax}`;
}

/** `describe(name, callback)`, `describe.each(...)(name, callback)` and the like. */
function isDescribeCallback(node: ts.Node): boolean {
  if (!ts.isCallExpression(node.parent)) return false;
  let callee: ts.Node = node.parent.expression;
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) {
    callee = callee.expression;
  }
  return ts.isIdentifier(callee) && callee.text === 'describe';
}

function saysNothing(block: ts.Node, source: ts.SourceFile): boolean {
  if (!ts.isBlock(block) || block.statements.length > 0) return false;
  return !/\/[/*]/.test(block.getText(source));
}

const testFunctions = new Set(['bench', 'describe', 'it', 'suite', 'test']);
const restrictions = new Set(['only', 'skip', ['to', 'do'].join('')]);

/** `it.only`, `describe.concurrent.skip` ...; `skipIf` names a condition and is fine. */
function restrictedTest(node: ts.PropertyAccessExpression): string | undefined {
  if (!restrictions.has(node.name.text)) return undefined;
  let callee: ts.Node = node.expression;
  while (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) {
    callee = callee.expression;
  }
  if (!ts.isIdentifier(callee) || !testFunctions.has(callee.text)) return undefined;
  return `.${node.name.text}: every test runs, every time`;
}

const unrunTests = new Set(['xdescribe', 'xit', 'xtest', 'fdescribe', 'fit']);

/** `xit('name', ...)`; another function that is called `fit` takes no name first. */
function unrunTest({ expression, arguments: [name] }: ts.CallExpression): string | undefined {
  if (!ts.isIdentifier(expression) || !unrunTests.has(expression.text)) return undefined;
  if (name === undefined || !ts.isStringLiteralLike(name)) return undefined;
  return `${expression.text}: every test runs, every time`;
}

/** `.catch(() => {})` hides what `catch {}` hides. */
function swallowedRejection(node: ts.CallExpression, source: ts.SourceFile): string | undefined {
  if (!ts.isPropertyAccessExpression(node.expression)) return undefined;
  const handler = node.expression.name.text === 'catch' ? node.arguments[0] : undefined;
  if (handler === undefined || !ts.isArrowFunction(handler)) return undefined;
  if (!saysNothing(handler.body, source)) return undefined;
  return 'a rejection is swallowed: handle it, or say in words why not';
}

/** Setting it wipes the command line, by which operators find and stop a node. */
function processTitle(node: ts.BinaryExpression): string | undefined {
  if (node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return undefined;
  const { left } = node;
  const object = ts.isPropertyAccessExpression(left) || ts.isElementAccessExpression(left);
  if (!object || left.expression.getText() !== 'process') return undefined;
  const name = ts.isPropertyAccessExpression(left) ? left.name : left.argumentExpression;
  if (!/^['"`]?title['"`]?$/.test(name.getText())) return undefined;
  return 'process.title is never set: it wipes the command line';
}

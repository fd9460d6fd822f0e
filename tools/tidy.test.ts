import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fileLinesMax, functionLinesMax, lineColumnsMax, tidy } from './tidy/rules.ts';

function complaints(path: string, text: string): string[] {
  return tidy({ path, text }).map(({ line, message }) => `${line}: ${message}`);
}

/** Keeps what must not stand in this file out of it. */
function glue(...pieces: string[]): string {
  return pieces.join('');
}

/** A function of exactly this many lines. */
function functionOf(lines: number, head: string): string {
  return `${head} {\n${'  call();\n'.repeat(lines - 2)}}`;
}

describe('every file of the repository', () => {
  it('keeps the house rules', () => {
    const listed = execFileSync(
      'git',
      ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
      { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    const files = [...new Set(listed.split('\0'))].filter(
      (path) => path !== '' && existsSync(path) && statSync(path).isFile(),
    );
    expect(files).toContain('tools/tidy.test.ts');
    const findings = files.flatMap((path) => tidy({ path, text: readFileSync(path, 'utf8') }));
    expect(findings.map(({ file, line, message }) => `${file}:${line} ${message}`)).toEqual([]);
  });
});

describe('length', () => {
  it('of a file', () => {
    expect(complaints('a.ts', 'call();\n'.repeat(fileLinesMax))).toEqual([]);
    expect(complaints('a.ts', 'call();\n'.repeat(fileLinesMax + 1))).toHaveLength(1);
    expect(complaints('a.mjs', 'call();\n'.repeat(fileLinesMax + 1))).toHaveLength(1);
    expect(complaints('trace.txt', 'call\n'.repeat(fileLinesMax + 1))).toEqual([]);
  });

  it.each([
    'function f()',
    'const f = () =>',
    'const f = async function ()',
    'class C { f()',
    'class C { constructor()',
    'class C { get f()',
    'describe("x", () =>',
    'it("x", () =>',
  ])('of a function: %s', (head) => {
    const tail = head.startsWith('class') ? '\n}' : head.includes('("x"') ? ')' : '';
    expect(complaints('a.ts', functionOf(functionLinesMax, head) + tail)).toEqual([]);
    const message = `1: a function of ${functionLinesMax + 1} lines, at most ${functionLinesMax}`;
    expect(complaints('a.ts', functionOf(functionLinesMax + 1, head) + tail)).toEqual([message]);
  });

  it('of what groups tests is free, of a test it is not', () => {
    const long = functionLinesMax + 1;
    expect(complaints('a.test.ts', `${functionOf(long, 'describe("x", () =>')})`)).toEqual([]);
    const each = 'describe.each([1])("x", () =>';
    expect(complaints('a.test.ts', `${functionOf(long, each)})`)).toEqual([]);
    expect(complaints('a.test.ts', `${functionOf(long, 'it("x", () =>')})`)).toHaveLength(1);
  });

  it('of a line', () => {
    expect(complaints('a.ts', `'${'x'.repeat(lineColumnsMax - 2)}'`)).toEqual([]);
    expect(complaints('a.ts', `'${'x'.repeat(lineColumnsMax - 1)}'`)).toHaveLength(1);
    expect(complaints('a.ts', `// https://example.com/${'x'.repeat(lineColumnsMax)}`)).toEqual([]);
  });
});

describe('tests that do not run', () => {
  it.each([
    'it.only("x", f);',
    'it.skip("x", f);',
    'test.concurrent.only("x", f);',
    'describe.skip("x", f);',
    'it.skip.each([1])("x", f);',
    'it.each([1]).only("x", f);',
    'suite.only("x", f);',
    'xit("x", f);',
    'xdescribe("x", f);',
    `it.${glue('to', 'do')}("x");`,
  ])('%s', (text) => {
    expect(complaints('a.test.ts', text)).toHaveLength(1);
  });

  it('a condition with a name is fine', () => {
    expect(complaints('a.test.ts', 'it.skipIf(missing)("x", f); list.skip(1); fit(a, b);')).toEqual(
      [],
    );
  });
});

describe('unfinished work and types given up', () => {
  it.each([
    `// ${glue('TO', 'DO')} later`,
    `// ${glue('FIX', 'ME')}: later`,
    `// ${glue('X', 'XX')} later`,
    `// @ts-${glue('ig', 'nore')}`,
    `// @ts-${glue('no', 'check')}`,
    'const x: any = 1;',
    'const x = y as any;',
    'const x = <any>y;',
    'function f(...rest: any[]) {}',
  ])('%s', (text) => {
    expect(complaints('a.ts', text)).toHaveLength(1);
  });

  it('words that only look alike are fine', () => {
    expect(complaints('a.ts', "const any = 'any'; mkdtemp('/tmp/a-XXXXXX'); // any word")).toEqual(
      [],
    );
  });
});

describe('errors swallowed', () => {
  it.each([
    'try { f(); } catch {}',
    'try { f(); } catch (error) { }',
    'try { f(); } catch {\n}',
    'p.catch(() => {});',
    'p.then(f).catch((error) => { });',
  ])('%s', (text) => {
    expect(complaints('a.ts', text)).toHaveLength(1);
  });

  it('a reason in words or a handler is fine', () => {
    expect(complaints('a.ts', 'try { f(); } catch { /* gone already */ }')).toEqual([]);
    expect(complaints('a.ts', 'try { f(); } catch (error) { report(error); }')).toEqual([]);
    expect(complaints('a.ts', 'p.catch(() => { // gone already\n});')).toEqual([]);
    expect(complaints('a.ts', 'p.catch(() => undefined); p.catch(report);')).toEqual([]);
  });
});

describe('the command line of a node', () => {
  it.each(['process.title = "x";', 'process["title"] = "x";'])('is never wiped: %s', (text) => {
    expect(complaints('a.ts', text)).toHaveLength(1);
  });

  it('may be read', () => {
    expect(complaints('a.ts', 'f(process.title === "x"); page.title = "x";')).toEqual([]);
  });
});

describe('addresses that belong to one machine or one registry', () => {
  const registry = glue('https://regis', 'try.np', 'mjs.org/left-pad');
  it.each([
    ['package-lock.json', `"resolved": "${registry}"`],
    ['.npmrc', `registry=${glue('https://regis', 'try.example.com')}`],
    ['tools/go.mod', `GOPROXY=${glue('https://proxy.gol', 'ang.org')}`],
    ['docs/a.md', `see ${glue('/wo', 'rk/main/docs')}`],
    ['a.ts', `const home = '${glue('/ro', 'ot/.npm')}';`],
    ['trace.txt', `in ${glue('/wo', 'rk/shared')}`],
  ])('in %s: %s', (path, text) => {
    expect(complaints(path, text)).toHaveLength(1);
  });

  it('other paths and names are fine', () => {
    const text = "import './work/a.ts'; registry.lookup('x'); get(base + '(x)/root/x');";
    expect(complaints('a.ts', text)).toEqual([]);
    expect(complaints('a.md', 'at work/main, in ./root/ or packages/work/a')).toEqual([]);
  });
});

import { builtinModules } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import {
  bannedGlobals,
  bannedMembers,
  bannedWhenSynchronous,
  type GuardedGlobal,
  guardedGlobals,
  type Policy,
} from './policy.ts';

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface SourceText {
  /** Path as it is to be reported, below the package's `src`. */
  readonly file: string;
  readonly text: string;
  readonly policy: Policy;
}

const builtins: ReadonlySet<string> = new Set(builtinModules);

/**
 * Reports everything in `sources` that goes past `Env`. The compiler binds the names (no library,
 * no type is loaded), so a local variable called `performance` is told from the global one.
 */
export function checkEnvBypass(sources: readonly SourceText[]): Finding[] {
  const byPath = new Map(sources.map((source) => [path.resolve('/', source.file), source]));
  const options: ts.CompilerOptions = {
    allowJs: true,
    noLib: true,
    noResolve: true,
    types: [],
    moduleDetection: ts.ModuleDetectionKind.Force,
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ESNext,
  };
  const host: ts.CompilerHost = {
    fileExists: (file) => byPath.has(file),
    readFile: (file) => byPath.get(file)?.text,
    getSourceFile: (file, target) => {
      const source = byPath.get(file);
      return source && ts.createSourceFile(file, source.text, target, true);
    },
    getDefaultLibFileName: () => '/lib.d.ts',
    getCurrentDirectory: () => '/',
    getCanonicalFileName: (file) => file,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    writeFile: () => undefined,
  };
  const program = ts.createProgram([...byPath.keys()], options, host);
  const checker = program.getTypeChecker();
  return [...byPath].flatMap(([file, source]) => {
    const parsed = program.getSourceFile(file);
    if (parsed === undefined) {
      return [{ file: source.file, line: 1, message: 'this kind of file cannot be checked' }];
    }
    return new FileCheck(source, parsed, checker).run();
  });
}

class FileCheck {
  readonly #findings: Finding[] = [];
  readonly #source: SourceText;
  readonly #parsed: ts.SourceFile;
  readonly #checker: ts.TypeChecker;

  constructor(source: SourceText, parsed: ts.SourceFile, checker: ts.TypeChecker) {
    this.#source = source;
    this.#parsed = parsed;
    this.#checker = checker;
  }

  run(): Finding[] {
    this.#visit(this.#parsed);
    return this.#findings;
  }

  #report(node: ts.Node, message: string): void {
    const { line } = this.#parsed.getLineAndCharacterOfPosition(node.getStart(this.#parsed));
    this.#findings.push({ file: this.#source.file, line: line + 1, message });
  }

  #visit(node: ts.Node): void {
    if (this.#source.policy.synchronous) this.#checkSynchronous(node);
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) this.#checkImport(node);
    else if (ts.isImportTypeNode(node)) this.#checkImportType(node);
    else if (ts.isExternalModuleReference(node)) this.#report(node, 'import = is not allowed');
    else if (ts.isMetaProperty(node)) this.#checkMetaProperty(node);
    else if (ts.isCallExpression(node) || ts.isNewExpression(node)) this.#checkCall(node);
    else if (ts.isPropertyAccessExpression(node)) this.#checkMember(node, node.name.text);
    else if (ts.isElementAccessExpression(node)) this.#checkElement(node);
    else if (ts.isBindingElement(node)) this.#checkBinding(node);
    else if (ts.isIdentifier(node)) this.#checkIdentifier(node);
    ts.forEachChild(node, (child) => this.#visit(child));
  }

  #checkSynchronous(node: ts.Node): void {
    if (node.kind === ts.SyntaxKind.AsyncKeyword) {
      this.#report(node, 'async: this package never waits');
    } else if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) {
      this.#report(node, 'await: this package never waits');
    } else if (ts.isIdentifier(node) && bannedWhenSynchronous.has(node.text)) {
      if (!isMemberName(node)) this.#report(node, `${node.text}: this package never waits`);
    }
  }

  #checkImport(node: ts.ImportDeclaration | ts.ExportDeclaration): void {
    if (node.moduleSpecifier === undefined) return;
    const specifier = literalText(node.moduleSpecifier);
    const clause = ts.isImportDeclaration(node) ? node.importClause : node;
    const typesOnly = ts.isImportDeclaration(node)
      ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      : node.isTypeOnly;
    this.#checkModule(node, specifier, typesOnly, clause === undefined ? [] : namesOf(clause));
  }

  #checkImportType(node: ts.ImportTypeNode): void {
    const specifier = ts.isLiteralTypeNode(node.argument) ? literalText(node.argument.literal) : '';
    this.#checkModule(node, specifier, true, []);
  }

  #checkModule(
    node: ts.Node,
    specifier: string,
    typesOnly: boolean,
    names: readonly ImportedName[],
  ): void {
    if (specifier.startsWith('@d-engine/')) return; // The direction is dependency-cruiser's part.
    if (specifier.startsWith('.')) {
      this.#checkRelative(node, specifier);
      return;
    }
    const name = specifier.replace(/^node:/, '');
    const use = this.#source.policy.modules.get(`node:${name}`);
    if (use === undefined) {
      const isNode = specifier.startsWith('node:') || builtins.has(name);
      this.#report(node, `'${specifier}': ${isNode ? 'goes past Env' : 'a foreign package'}`);
      return;
    }
    if (typesOnly || use === 'everything') return;
    const values = names.filter((imported) => !imported.typeOnly);
    if (names.length === 0) this.#report(node, `'${specifier}': name what is imported`);
    for (const { text } of values) {
      if (use !== 'types only' && use.test(text)) continue;
      this.#report(node, `'${specifier}': ${text} may not be imported here`);
    }
  }

  /** What is imported must itself be checked: a .ts file of the same package's `src`. */
  #checkRelative(node: ts.Node, specifier: string): void {
    const source = `packages/${this.#source.policy.directory}/src/`;
    const target = path.posix.join(path.posix.dirname(this.#source.file), specifier);
    if (!target.startsWith(source)) this.#report(node, `'${specifier}': leaves ${source}`);
    if (!specifier.endsWith('.ts') || isTestFile(specifier)) {
      this.#report(node, `'${specifier}': only checked .ts files may be imported`);
    }
  }

  #checkMetaProperty(node: ts.MetaProperty): void {
    if (node.keywordToken === ts.SyntaxKind.ImportKeyword) {
      this.#report(node, 'import.meta: the host is not the same in a replay');
    }
  }

  #checkCall(node: ts.CallExpression | ts.NewExpression): void {
    if (node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      this.#report(node, 'import(): modules are imported by name, at the top');
    }
  }

  #checkMember(node: ts.Node, name: string): void {
    const reason = bannedMembers.get(name);
    if (reason !== undefined) this.#report(node, `.${name}: ${reason}`);
    if (name === 'constructor' && memberName(node.parent) !== 'name') {
      this.#report(node, '.constructor: a function made from text cannot be checked');
    }
  }

  #checkElement(node: ts.ElementAccessExpression): void {
    if (ts.isStringLiteralLike(node.argumentExpression)) {
      this.#checkMember(node, node.argumentExpression.text);
    }
  }

  #checkBinding(node: ts.BindingElement): void {
    if (!ts.isObjectBindingPattern(node.parent)) return;
    const name = node.propertyName ?? node.name;
    if (ts.isIdentifier(name) || ts.isStringLiteral(name)) this.#checkMember(node, name.text);
  }

  #checkIdentifier(node: ts.Identifier): void {
    const { text } = node;
    const guard = guardedGlobals.get(text);
    const reason = bannedGlobals.get(text);
    if (guard === undefined && reason === undefined) return;
    if (this.#source.policy.allowedGlobals.has(text)) return;
    if (isMemberName(node) || isTypePosition(node) || this.#isLocal(node)) return;
    if (reason !== undefined) this.#report(node, `${text}: ${reason}`);
    else if (guard !== undefined) this.#checkGuarded(node, guard);
  }

  #checkGuarded(node: ts.Identifier, guard: GuardedGlobal): void {
    if (isInstanceOfOperand(node)) return;
    const { text, parent } = node;
    const name = isObjectOf(parent, node) ? memberName(parent) : undefined;
    if (name === undefined) {
      this.#report(node, `${text} under another name: use ${text}.member alone`);
      return;
    }
    const allowed = guard.only?.has(name) ?? !guard.except?.has(name);
    if (!allowed) this.#report(node, `${text}.${name}: ${guard.reason}`);
  }

  /** Declared in this very file, and not merely claimed by a `declare`. */
  #isLocal(node: ts.Identifier): boolean {
    const symbol = ts.isShorthandPropertyAssignment(node.parent)
      ? this.#checker.getShorthandAssignmentValueSymbol(node.parent)
      : this.#checker.getSymbolAtLocation(node);
    return (symbol?.declarations ?? []).some(
      (declaration) =>
        declaration.getSourceFile() === this.#parsed &&
        !ts.isSourceFile(declaration) &&
        !(ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Ambient),
    );
  }
}

interface ImportedName {
  readonly text: string;
  readonly typeOnly: boolean;
}

function namesOf(clause: ts.ImportClause | ts.ExportDeclaration): ImportedName[] {
  const whole = [{ text: 'the whole module', typeOnly: false }];
  const list = ts.isImportClause(clause) ? clause.namedBindings : clause.exportClause;
  const names: ImportedName[] = [];
  if (ts.isImportClause(clause) && clause.name !== undefined) names.push(...whole);
  if (list === undefined) return ts.isImportClause(clause) ? names : whole;
  if (ts.isNamespaceImport(list) || ts.isNamespaceExport(list)) return whole;
  for (const element of list.elements) {
    const text = (element.propertyName ?? element.name).text;
    names.push({ text, typeOnly: element.isTypeOnly });
  }
  return names;
}

function literalText(node: ts.Node): string {
  return ts.isStringLiteralLike(node) ? node.text : '';
}

/** The `x` of `a.x` and `a['x']`. */
function memberName(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  if (!ts.isElementAccessExpression(node)) return undefined;
  const { argumentExpression } = node;
  return ts.isStringLiteralLike(argumentExpression) ? argumentExpression.text : undefined;
}

function isObjectOf(member: ts.Node, node: ts.Node): boolean {
  return (
    (ts.isPropertyAccessExpression(member) || ts.isElementAccessExpression(member)) &&
    member.expression === node
  );
}

function isInstanceOfOperand(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    ts.isBinaryExpression(parent) &&
    parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword &&
    parent.right === node
  );
}

/** Names of members, labels and other modules' exports: they refer to no variable. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isImportSpecifier(parent)) return true;
  if (ts.isExportSpecifier(parent)) {
    const fromElsewhere = parent.parent.parent.moduleSpecifier !== undefined;
    return fromElsewhere || (parent.propertyName !== undefined && parent.name === node);
  }
  if (ts.isBindingElement(parent)) return parent.propertyName === node;
  if (ts.isShorthandPropertyAssignment(parent)) return false;
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent)) return true;
  if (ts.isMetaProperty(parent)) return true;
  return isMember(parent) && parent.name === node;
}

function isMember(node: ts.Node): node is ts.ClassElement | ts.TypeElement | ts.PropertyAssignment {
  return (
    ts.isClassElement(node) ||
    ts.isTypeElement(node) ||
    ts.isObjectLiteralElement(node) ||
    ts.isEnumMember(node) ||
    ts.isNamedTupleMember(node) ||
    ts.isNamespaceExport(node)
  );
}

/** Types vanish when the code runs; what a class extends does not. */
function isTypePosition(node: ts.Node): boolean {
  for (let at: ts.Node = node; at.parent !== undefined; at = at.parent) {
    const { parent } = at;
    if (ts.isExpressionWithTypeArguments(at)) {
      if (!ts.isHeritageClause(parent)) continue;
      const { token } = parent;
      return token === ts.SyntaxKind.ImplementsKeyword || ts.isInterfaceDeclaration(parent.parent);
    }
    if (ts.isTypeNode(at) || ts.isTypeAliasDeclaration(at) || ts.isInterfaceDeclaration(at)) {
      return true;
    }
    if (ts.isStatement(at) || ts.isFunctionLike(at)) return false;
  }
  return false;
}

export function isTestFile(file: string): boolean {
  return /\.test\.[cm]?[jt]sx?$/.test(file);
}

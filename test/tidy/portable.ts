import ts from "typescript";
import { bannedGlobals, bannedMembers, collections, portable, scratch } from "./rules.js";
import { type Finding, isPortable, isScript, lineOf, type Tree, walk } from "./tree.js";

/** Names of the surroundings and features XS 13.3 lacks, in code that has to run everywhere. */
export function checkWords(tree: Tree): Finding[] {
  const inside = (file: string) => portable.some((folder) => file.startsWith(folder));
  const files = tree.files.filter((file) => isScript(file) && (inside(file) || file === "main.ts"));
  return files.flatMap((file) => {
    const source = tree.source(file);
    const declared = declaredNames(source);
    const found: Finding[] = [];
    walk(source, (node) => {
      const message = whyBanned(node, declared) ?? whyUnsupported(node, file);
      if (message !== undefined) found.push({ file, line: lineOf(source, node), message });
    });
    return found;
  });
}

function whyBanned(node: ts.Node, declared: ReadonlySet<string>): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    const object = ts.isIdentifier(node.expression) ? node.expression.text : "";
    for (const name of [`${object}.${node.name.text}`, `*.${node.name.text}`]) {
      if (Object.hasOwn(bannedMembers, name)) {
        return `${name.replace("*", "")} is not for portable code: ${bannedMembers[name]}`;
      }
    }
  }
  if (ts.isIdentifier(node) && isReference(node) && !declared.has(node.text)) {
    if (Object.hasOwn(bannedGlobals, node.text)) {
      return `${node.text} is not for portable code: ${bannedGlobals[node.text]}`;
    }
  }
  return undefined;
}

function whyUnsupported(node: ts.Node, file: string): string | undefined {
  if (ts.isClassStaticBlockDeclaration(node)) {
    return "XS 13.3 gets static blocks wrong; write a function that builds the value";
  }
  if (ts.isRegularExpressionLiteral(node) && /\/[a-z]*v[a-z]*$/.test(node.text)) {
    return "XS 13.3 has no regular expressions with the flag v";
  }
  // A suite may well hold such a text, to see what becomes of it.
  if (isPortable(file) && ts.isStringLiteralLike(node) && /[\ud800-\udfff]/.test(node.text)) {
    return "XS without mxCESU8 spoils characters beyond U+FFFF; use others";
  }
  return undefined;
}

/** Whether the name stands for a value, and is no field's, label's or declaration's name. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isQualifiedName(parent)) return false;
  const named = parent as ts.Node & { readonly name?: ts.Node };
  if (named.name === node && !ts.isShorthandPropertyAssignment(parent)) return false;
  return !ts.isTypeReferenceNode(parent);
}

function declaredNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  walk(source, (node) => {
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isBindingElement(node) ||
      ts.isImportSpecifier(node);
    if (declares && node.name !== undefined && ts.isIdentifier(node.name)) {
      names.add(node.name.text);
    }
  });
  return names;
}

/**
 * Preload makes what modules build while they are evaluated read-only; BigInts there compare wrong.
 */
export function checkState(tree: Tree): Finding[] {
  const files = tree.files.filter((file) => isScript(file) && isPortable(file));
  return files.flatMap((file) => {
    const source = tree.source(file);
    const found: Finding[] = [];
    const report = (node: ts.Node, message: string) =>
      found.push({ file, line: lineOf(source, node), message });
    for (const statement of source.statements) checkStatement(statement, report);
    return found;
  });
}

type Report = (node: ts.Node, message: string) => void;

function checkStatement(statement: ts.Statement, report: Report): void {
  if (ts.isVariableStatement(statement)) {
    if ((statement.declarationList.flags & ts.NodeFlags.Const) === 0) {
      report(statement, "module-level state is read-only once preloaded; make it a #private field");
    }
  } else if (ts.isClassDeclaration(statement)) {
    for (const member of statement.members) {
      const flags = ts.getCombinedModifierFlags(member);
      const mutable = (flags & ts.ModifierFlags.Readonly) === 0;
      if (ts.isPropertyDeclaration(member) && flags & ts.ModifierFlags.Static && mutable) {
        report(
          member,
          "a static field is module-level state; make it readonly, or a #private field",
        );
      }
    }
  } else if (ts.isExpressionStatement(statement) && !isAssertion(statement.expression)) {
    report(statement, "evaluating a module must have no effect; do this where main() is called");
  }
  evaluated(statement, (node) => checkBuilt(node, report));
}

/**
 * Limits are related by assertions where they stand; a throw there is a build that must not run.
 */
function isAssertion(node: ts.Expression): boolean {
  return ts.isCallExpression(node) && node.expression.getText() === "assert";
}

function checkBuilt(node: ts.Node, report: Report): void {
  if (ts.isBigIntLiteral(node)) {
    report(node, "a module-level BigInt compares wrong once preloaded; make it inside a function");
  }
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return;
  const callee = node.expression;
  // `new Uint8Array(4)`, `Uint8Array.of(1)`, `BigInt(1)`.
  const base = ts.isPropertyAccessExpression(callee) ? callee.expression : callee;
  if (!ts.isIdentifier(base)) return;
  if (scratch.includes(base.text)) {
    const message = `a module-level ${base.text} is read-only once preloaded`;
    report(node, `${message}; make it a field, or a frozen array of numbers`);
  } else if (base.text === "BigInt") {
    report(node, "a module-level BigInt compares wrong once preloaded; make it inside a function");
  } else if (ts.isNewExpression(node) && Object.hasOwn(collections, base.text)) {
    const type = collections[base.text];
    if (!declaredAs(node, type)) {
      report(node, `a module-level ${base.text} has to be declared as a ${type}, or be a field`);
    }
  }
}

/** Visits what runs while the module is evaluated: not the bodies of functions and methods. */
function evaluated(node: ts.Node, visit: (node: ts.Node) => void): void {
  if (ts.isFunctionLike(node)) return;
  if (ts.isPropertyDeclaration(node)) {
    const isStatic = (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Static) !== 0;
    if (!isStatic) return;
  }
  visit(node);
  ts.forEachChild(node, (child) => evaluated(child, visit));
}

function declaredAs(node: ts.NewExpression, type: string): boolean {
  const { parent } = node;
  if (!ts.isVariableDeclaration(parent) && !ts.isPropertyDeclaration(parent)) return false;
  const annotation = parent.type;
  if (annotation === undefined || !ts.isTypeReferenceNode(annotation)) return false;
  return ts.isIdentifier(annotation.typeName) && annotation.typeName.text === type;
}

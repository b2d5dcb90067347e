import { dirname, join } from "node:path/posix";
import ts from "typescript";
import {
  hostSideModules,
  imports,
  platformImports,
  profileContract,
  sharedPlatforms,
  unitImports,
} from "./rules.js";
import { type Finding, isScript, lineOf, type Tree, walk } from "./tree.js";

interface Import {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
  /** The repository's file it names; undefined for a package or a Node module. */
  readonly target: string | undefined;
}

/** Who may import whom, how imports are written, and that they never go round in a circle. */
export function checkImports(tree: Tree): Finding[] {
  const scripts = tree.files.filter(isScript);
  const all = scripts.flatMap((file) => importsOf(tree, file));
  const broken = all.flatMap((item) => {
    const message = whyForm(tree, item) ?? whyForbidden(item);
    return message === undefined ? [] : [{ file: item.file, line: item.line, message }];
  });
  return [...broken, ...cycles(all)];
}

function importsOf(tree: Tree, file: string): Import[] {
  const source = tree.source(file);
  const found: Import[] = [];
  walk(source, (node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return;
    const relative = specifier.startsWith(".");
    const path = relative ? join(dirname(file), specifier) : undefined;
    const target = path === undefined ? undefined : sourceOf(tree, path);
    found.push({ file, line: lineOf(source, node), specifier, target });
  });
  return found;
}

/** What a .js is compiled from. */
function sourceOf(tree: Tree, path: string): string {
  if (!path.endsWith(".js")) return path;
  const plain = path.replace(/\.js$/, ".ts");
  return !tree.files.includes(plain) && tree.files.includes(`${plain}x`) ? `${plain}x` : plain;
}

/** Of `import ... from`, `export ... from`, `import(...)` and `import("...")` as a type. */
function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    const { moduleSpecifier } = node;
    if (moduleSpecifier !== undefined && ts.isStringLiteral(moduleSpecifier)) {
      return moduleSpecifier.text;
    }
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    if (argument !== undefined && ts.isStringLiteral(argument)) return argument.text;
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    const { literal } = node.argument;
    if (ts.isStringLiteral(literal)) return literal.text;
  }
  return undefined;
}

/** How an import has to be written: the same text works for tsc, Node, esbuild and mcconfig. */
function whyForm(tree: Tree, { file, specifier, target }: Import): string | undefined {
  if (target === undefined) return undefined;
  const ending = file.endsWith(".mjs") ? ".mjs" : ".js";
  if (!specifier.endsWith(ending)) {
    return `"${specifier}" has to end in ${ending}, whatever the file on disk ends in`;
  }
  if (tree.files.includes(target)) return undefined;
  return `"${specifier}" names ${target}, which does not exist`;
}

function whyForbidden(item: Import): string | undefined {
  const { file, target, specifier } = item;
  if (file.startsWith("modules/")) return whyModuleMayNot(item);
  if (file.startsWith("platforms/")) return whyPlatformMayNot(item);
  if (file === "main.ts") {
    if (target?.startsWith("modules/") || target === "platforms/board.ts") return undefined;
    return `main.ts may import modules/ and platforms/board.js only, not "${specifier}"`;
  }
  if (file.startsWith("hosts/") && target?.startsWith("test/")) {
    return "hosts may not import test/; move what both need into hosts/";
  }
  if (/^test\/unit\/.*\.test\.ts$/.test(file)) {
    const allowed = ["modules/", ...unitImports];
    if (target !== undefined && allowed.some((name) => target.startsWith(name))) return undefined;
    const list = allowed.join(", ");
    return `a unit suite, which runs on XS too, may import ${list}, not "${specifier}"`;
  }
  return undefined;
}

function whyModuleMayNot({ file, target, specifier }: Import): string | undefined {
  if (target === undefined) {
    const packages = hostSideModules[file] ?? [];
    if (packages.some((name) => specifier === name || specifier.startsWith(`${name}/`))) {
      return undefined;
    }
    return `modules/ may not import "${specifier}": reach it through a port`;
  }
  if (hostSideModules[target] !== undefined) {
    return `${target} is for hosts and tests only; take ports/crypto.ts as an argument`;
  }
  const from = file.split("/")[1];
  const [top, to] = target.split("/");
  if (top !== "modules") {
    return `modules/ may not import ${top}/: reach it through a port, or take it as an argument`;
  }
  if (from === "profiles" && to === "profiles" && target !== profileContract) {
    return "profiles never import each other; sink what both need to oscore/ or cose/";
  }
  const allowed = imports[from];
  if (from === to || allowed === undefined || allowed.includes(to)) return undefined;
  const list = allowed.length === 0 ? "nothing" : allowed.join(", ");
  return `${from} may not import ${to} (it may import ${list}); sink what both need, or pass it in`;
}

function whyPlatformMayNot({ file, target, specifier }: Import): string | undefined {
  const own = file.split("/").slice(0, 2).join("/");
  if (target === undefined) {
    const ofNode = specifier.startsWith("node:") && own !== "platforms/node";
    return ofNode ? `${own} runs on XS, which has no "${specifier}"` : undefined;
  }
  if (target.startsWith("platforms/")) {
    // platforms/board*.ts choose the board; every board reaches its own folder and what it shares.
    if (own.endsWith(".ts") || target.startsWith(`${own}/`)) return undefined;
    const shared = target.split("/").slice(0, 2).join("/");
    if (sharedPlatforms[shared]?.includes(own)) return undefined;
    return `${own} may not import another platform (${target}); share through modules/`;
  }
  const [top, to] = target.split("/");
  if (top === "modules" && platformImports.includes(to)) return undefined;
  return `a platform may import modules/{${platformImports.join(",")}} and its SDK, not ${target}`;
}

/** One finding for each circle of files, at the import that closes it. */
function cycles(all: readonly Import[]): Finding[] {
  const edges = new Map<string, Import[]>();
  for (const item of all) {
    const list = edges.get(item.file) ?? [];
    list.push(item);
    edges.set(item.file, list);
  }
  const found: Finding[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (file: string) => {
    trail.push(file);
    for (const { target, line } of edges.get(file) ?? []) {
      if (target === undefined || done.has(target)) continue;
      const start = trail.indexOf(target);
      if (start < 0) visit(target);
      else {
        const circle = [...trail.slice(start), target].join(" > ");
        const message = `closes a circle of imports: ${circle}; sink what both need into a file`;
        found.push({ file, line, message });
      }
    }
    trail.pop();
    done.add(file);
  };
  for (const file of edges.keys()) if (!done.has(file)) visit(file);
  return found;
}

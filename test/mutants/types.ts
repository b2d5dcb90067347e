import { join } from "node:path";
import ts from "typescript";
import { type Cut, without } from "./mutate.js";

/** Without the line, an import or a variable may have lost its only use. That is no defect. */
const unused = [6133, 6192, 6196, 6198];

/**
 * Tells whether a file still type-checks without a line, with one language service for all cuts:
 * a compiler run for each would take seconds.
 */
export class TypeChecker {
  readonly #root: string;
  readonly #service: ts.LanguageService;
  /** What is wrong with each file as it is. */
  readonly #before = new Map<string, string[]>();
  readonly #changed = new Map<string, { version: number; text: string | undefined }>();

  constructor(root: string) {
    this.#root = root;
    const path = join(root, "tsconfig.json");
    const { config } = ts.readConfigFile(path, ts.sys.readFile);
    const parsed = ts.parseJsonConfigFileContent(config, ts.sys, root);
    const options = { ...parsed.options, incremental: false };
    delete options.tsBuildInfoFile;
    this.#service = ts.createLanguageService({
      getCompilationSettings: () => options,
      getScriptFileNames: () => parsed.fileNames,
      getScriptVersion: (file) => String(this.#changed.get(file)?.version ?? 0),
      getScriptSnapshot: (file) => {
        const text = this.#changed.get(file)?.text ?? ts.sys.readFile(file);
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
      },
      getCurrentDirectory: () => root,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: ts.sys.fileExists,
      readFile: ts.sys.readFile,
      readDirectory: ts.sys.readDirectory,
    });
  }

  /** What the compiler says of the file without the line and did not say before. */
  errorsWithout({ file, line }: Cut): string[] {
    const path = join(this.#root, file);
    const before = this.#before.get(path) ?? this.#errors(path);
    this.#before.set(path, before);
    const text = without(ts.sys.readFile(path) ?? "", line);
    this.#set(path, text);
    const after = this.#errors(path);
    this.#set(path, undefined);
    return after.filter((error) => !before.includes(error));
  }

  #set(path: string, text: string | undefined): void {
    const version = (this.#changed.get(path)?.version ?? 0) + 1;
    this.#changed.set(path, { version, text });
  }

  #errors(path: string): string[] {
    const found = this.#service.getSemanticDiagnostics(path);
    return found
      .filter(({ code }) => !unused.includes(code))
      .map((diagnostic) => {
        const { line } = ts.getLineAndCharacterOfPosition(
          diagnostic.file as ts.SourceFile,
          diagnostic.start ?? 0,
        );
        return `line ${line + 1}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, " ")}`;
      });
  }
}

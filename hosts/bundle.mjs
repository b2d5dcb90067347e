/**
 * Makes one JavaScript module of the firmware or of a unit suite, in the dialect XS 13.3 runs.
 *
 *   node hosts/bundle.mjs firmware OUT.js [ENTRY.ts]     ENTRY is main.ts unless named
 *   node hosts/bundle.mjs small OUT.js [ENTRY.ts]        the same, without what services.ts lists
 *   node hosts/bundle.mjs signing OUT.js [ENTRY.ts]      the same, with TypeScript's signatures
 *   node hosts/bundle.mjs insecure OUT.js ENTRY.ts       a program of test/ for a headless device
 *   node hosts/bundle.mjs suite OUT.js test/unit/NAME.test.ts
 *   ... --version TEXT                                   what firmware says that it is
 *
 * `lumicast compile OUT.js OUT.xsb` then turns it into byte code: parsing on a device would need
 * more memory than running. A suite gets test/harness.xs.ts in place of test/harness.ts, and any
 * other X.xs.ts of test/ in place of X.ts; it exports `finish` by default. The firmware exports its
 * composition root by default. OUT.js.map tells the TypeScript lines, which a debug host prints.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What both kinds of bundle share. The two features switched off are those XS 13.3 gets wrong. */
const dialect = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  target: "es2022",
  platform: "neutral",
  supported: { "class-static-field": false, "class-static-blocks": false },
  // Functions keep the names a release build prints in its stacks.
  minify: false,
  keepNames: false,
  charset: "utf8",
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  logLevel: "silent",
};

/** Bundles the firmware: `entry` exports the composition root by default. */
export async function bundleFirmware(outfile, entry = "main.ts", { version } = {}) {
  const plugins = [ofVersion(version), evaluatedLate(), noTest(), noNode()];
  await run({ ...dialect, entryPoints: [resolve(root, entry)], outfile, plugins });
}

/** Bundles the firmware for a headless host without libsodium: it brings signatures of its own. */
export async function bundleSigning(outfile, entry = "main.ts", { version } = {}) {
  const plugins = [ofVersion(version), ownSignatures(), evaluatedLate(), noTest(), noNode()];
  await run({ ...dialect, entryPoints: [resolve(root, entry)], outfile, plugins });
}

/** Bundles the firmware for a device with little ROM. */
export async function bundleSmall(outfile, entry = "main.ts", { version } = {}) {
  const plugins = [ofVersion(version), smallTwins(), evaluatedLate(), noTest(), noNode()];
  // Constants in place of names for them, and short names: 13 KB of ROM. Stacks tell less.
  const shorter = { ...dialect, minifySyntax: true, minifyIdentifiers: true };
  await run({ ...shorter, entryPoints: [resolve(root, entry)], outfile, plugins });
}

/** Whoever imports a module of modules/ that has an X.small.ts beside X.ts gets the small one. */
function smallTwins() {
  return {
    name: "small-twins",
    setup(build) {
      build.onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path, resolveDir }) => {
        const twin = resolve(resolveDir, path).replace(/\.js$/, ".small.ts");
        const isModule = twin.startsWith(resolve(root, "modules") + sep);
        return isModule && existsSync(twin) ? { path: twin } : undefined;
      });
    },
  };
}

/** Another version than modules/device/version.ts says. */
function ofVersion(version) {
  const contents = `export const VERSION = ${JSON.stringify(version)};`;
  return {
    name: "of-version",
    setup(build) {
      if (version === undefined) return;
      const filter = /[/\\]modules[/\\]device[/\\]version\.ts$/;
      build.onLoad({ filter }, () => ({ contents, loader: "ts" }));
    },
  };
}

function ownSignatures() {
  return inPlace("platforms/headless/signatures.ts", "platforms/headless/signatures.noble.ts");
}

/** Whoever imports `file` gets `other`. */
function inPlace(file, other) {
  const specifier = new RegExp(`/${basename(file, ".ts")}\\.js$`);
  return {
    name: `${other}-in-place`,
    setup(build) {
      build.onResolve({ filter: specifier }, ({ path, resolveDir }) => {
        const wanted = resolve(resolveDir, path).replace(/\.js$/, ".ts");
        return wanted === resolve(root, file) ? { path: resolve(root, other) } : undefined;
      });
    },
  };
}

/**
 * Bundles a test's own program for a device, `signing` as the firmware would be. No other kind of
 * image holds anything of test/.
 */
export async function bundleInsecure(outfile, entry, { signing = false } = {}) {
  const plugins = [...(signing ? [ownSignatures()] : []), evaluatedLate(), noNode()];
  await run({ ...dialect, entryPoints: [resolve(root, entry)], outfile, plugins });
}

/** Bundles one unit suite with the XS harness. */
export async function bundleSuite(outfile, suite) {
  const path = JSON.stringify(resolve(root, suite));
  const harness = JSON.stringify(resolve(root, "test/harness.xs.ts"));
  await bundleText(outfile, `import ${path};\nexport { finish as default } from ${harness};\n`);
}

/**
 * Bundles a program given as text, whose default export `lumicast test` will call. `natives` says
 * which of test/support/natives*.ts it gets: those of the headless host (xs), of the Moddable SDK's
 * bindings (sdk), or none.
 */
export async function bundleText(outfile, contents, natives = "xs") {
  const stdin = { contents, resolveDir: root, sourcefile: "entry.js", loader: "js" };
  const external = natives === "sdk" ? ["mc/config"] : [];
  const plugins = [xsVariants(natives), evaluatedLate(), noNode()];
  await run({ ...dialect, stdin, outfile, external, plugins });
}

/** Whoever imports a file of test/ that has an X.xs.ts beside X.ts gets the XS one. */
function xsVariants(natives) {
  const ofNatives = resolve(root, `test/support/natives.${natives}.ts`);
  return {
    name: "xs-variants",
    setup(build) {
      build.onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path, resolveDir }) => {
        if (resolve(resolveDir, path) === resolve(root, "test/support/natives.js")) {
          return { path: ofNatives };
        }
        const variant = resolve(resolveDir, path).replace(/\.js$/, ".xs.ts");
        const inTest = variant.startsWith(resolve(root, "test") + sep);
        return inTest && existsSync(variant) ? { path: variant } : undefined;
      });
    },
  };
}

/**
 * What modules/crypto/noble*.ts take from packages is evaluated when it is first used, inside a
 * function: preloaded, its BigInts would compare wrong and its tables be read-only.
 */
function evaluatedLate() {
  const imports = /^import \{ ([^}]+) \} from "(@noble\/[^"]+)";$/gm;
  return {
    name: "evaluated-late",
    setup(build) {
      build.onLoad(
        { filter: /[/\\]modules[/\\]crypto[/\\]noble(-p256)?\.ts$/ },
        async ({ path }) => {
          const source = readFileSync(path, "utf8");
          const found = [...source.matchAll(imports)];
          const names = found.flatMap((match) => match[1].split(", "));
          const packages = await text(found.map((match) => match[0].replace("import", "export")));
          const late = `
const late = new (class {
  #value;
  get value() {
    this.#value ??= (() => {\n${packages}\nreturn packages;\n})();
    return this.#value;
  }
})();
const lately = (name) => new Proxy(function () {}, {
  get: (_, key) => late.value[name][key],
  apply: (_, self, list) => late.value[name](...list),
});
${names.map((name) => `const ${name} = lately("${name}");`).join("\n")}
`;
          return { contents: source.replace(imports, "") + late, loader: "ts" };
        },
      );
    },
  };
}

/** What `lines` import, as the text of a script that makes the constant `packages`. */
async function text(lines) {
  const stdin = { contents: lines.join("\n"), resolveDir: root };
  const options = { ...dialect, stdin, format: "iife", globalName: "packages", sourcemap: false };
  const { outputFiles } = await build({ ...options, write: false, plugins: [noNode()] });
  return outputFiles[0].text;
}

/** Names the file that reaches for Node, where esbuild would only say that it cannot resolve. */
function noNode() {
  return {
    name: "no-node",
    setup(build) {
      build.onResolve({ filter: /^node:/ }, ({ path, importer }) => ({
        errors: [{ text: `${importer} imports ${path}, which XS does not have` }],
      }));
    },
  };
}

/** Keeps programs that switch security off out of every product. */
function noTest() {
  const test = resolve(root, "test") + sep;
  return {
    name: "no-test",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) =>
        path.startsWith(test)
          ? { errors: [{ text: `${path} belongs to the tests and to no product; say insecure` }] }
          : undefined,
      );
    },
  };
}

async function run(options) {
  try {
    await build(options);
  } catch (error) {
    if (!Array.isArray(error?.errors)) throw error;
    const lines = error.errors.map(({ text, location }) =>
      location ? `${location.file}:${location.line}: ${text}` : text,
    );
    throw new Error(`cannot bundle ${options.outfile}:\n  ${lines.join("\n  ")}`);
  }
}

async function main(words) {
  const at = words.indexOf("--version");
  const [, version] = at < 0 ? [] : words.splice(at, 2);
  const [kind, outfile, entry] = words;
  const needsEntry = kind === "suite" || kind === "insecure";
  if (outfile === undefined || (needsEntry && entry === undefined)) {
    throw new Error(
      "usage: node hosts/bundle.mjs firmware OUT.js [ENTRY.ts]\n" +
        "       node hosts/bundle.mjs small OUT.js [ENTRY.ts]\n" +
        "       node hosts/bundle.mjs signing OUT.js [ENTRY.ts]\n" +
        "       node hosts/bundle.mjs insecure OUT.js ENTRY.ts\n" +
        "       node hosts/bundle.mjs suite OUT.js test/unit/NAME.test.ts\n" +
        "firmware, small and signing take --version TEXT",
    );
  }
  if (kind === "firmware") return bundleFirmware(outfile, entry, { version });
  if (kind === "insecure") return bundleInsecure(outfile, entry);
  if (kind === "small") return bundleSmall(outfile, entry, { version });
  if (kind === "signing") return bundleSigning(outfile, entry, { version });
  if (kind === "suite") return bundleSuite(outfile, entry);
  throw new Error(
    `unknown kind of bundle: ${kind}; say firmware, small, signing, insecure or suite`,
  );
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}

#!/usr/bin/env node
/** The `lumicast` command where the package is installed; here: npm run lumicast -- ... */
process.argv.splice(2, 0, "lumicast");
await import("./run.mjs");

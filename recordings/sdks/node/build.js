// Bundles the cases once more, minified, as one does for a serverless function.
const esbuild = require("esbuild");

esbuild.buildSync({
  entryPoints: ["cases.js"],
  bundle: true,
  minify: true,
  keepNames: false,
  platform: "node",
  packages: "external",
  define: { NEWER: String(process.env.RELEASE === "2") },
  outfile: "dist/cases.min.js",
});

// Builds the site twice: as one writes it, and minified with a hash in the file's name.
const crypto = require("node:crypto");
const fs = require("node:fs");
const esbuild = require("esbuild");

fs.rmSync("site", { recursive: true, force: true });
const common = {
  bundle: true,
  platform: "browser",
  target: "es2022",
  define: {
    NEWER: String(process.env.RELEASE === "2"),
    APP_RELEASE: JSON.stringify(`shop@1.${process.env.RELEASE}.0`),
    "process.env.NODE_ENV": '"production"',
  },
};
const scripts = {};
for (const minify of [false, true]) {
  const made = esbuild.buildSync({ ...common, minify, entryPoints: ["cases.js"], write: false });
  const code = made.outputFiles[0].contents;
  const hash = crypto.createHash("sha256").update(code).digest("hex").slice(0, 8);
  // A release also moves its assets to another folder.
  const folder = process.env.RELEASE === "2" ? "assets/v2" : "static/js";
  scripts[minify] = `/${folder}/${minify ? "app.min" : "app"}.${hash}.js`;
  fs.mkdirSync(`site/${folder}`, { recursive: true });
  fs.writeFileSync(`site${scripts[minify]}`, code);
}
esbuild.buildSync({ ...common, minify: true, entryPoints: ["main.js"], outfile: "site/sentry.js" });
const page = fs.readFileSync("index.html", "utf8");
const cases = fs.readFileSync("cases.txt", "utf8").trim().split("\n");
fs.writeFileSync(
  "site/index.html",
  page.replace("SCRIPTS", JSON.stringify(scripts)).replace("CASES", JSON.stringify(cases)),
);
fs.writeFileSync("site/worker.js", fs.readFileSync("worker.js"));

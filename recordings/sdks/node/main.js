// Runs one case; what it throws is reported by the SDK's handlers of uncaught errors.
const Sentry = require("@sentry/node");

Sentry.init({
  dsn: process.env.SENTRY_DSN,
  release: process.env.APP_RELEASE,
  environment: "production",
  serverName: "app-1",
});

// Some cases leave a server or a socket open.
setTimeout(() => process.exit(), 3000).unref();

const asked = process.argv[2];
const minified = asked.endsWith("-minified");
const cases = require(minified ? "./dist/cases.min.js" : "./cases.js");
const name = asked
  .replace(/-minified$/, "")
  .replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
Promise.resolve(cases[name]()).then(() => Sentry.flush(5000));

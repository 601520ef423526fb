// How a service of the theatre runs: one listening socket on loopback, until SIGTERM.
const Sentry = require("@sentry/node");
const express = require("express");
const { know } = require("./report");

exports.serve = (routes) => {
  const app = express();
  app.use(express.json());
  app.use(know);
  routes(app);
  Sentry.setupExpressErrorHandler(app);
  app.use((error, request, response, next) => {
    response.status(500).json({ error: "something went wrong" });
  });
  const server = app.listen(0, "127.0.0.1", () => {
    console.log(`ready ${server.address().port}`);
  });
  server.keepAliveTimeout = 60_000;
  process.on("SIGTERM", () => server.close(() => Sentry.flush(2000).then(() => process.exit())));
};

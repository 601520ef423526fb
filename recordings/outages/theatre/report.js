// Error reporting, on before anything else is loaded; `know` names the visitor from then on.
const Sentry = require("@sentry/node");

Sentry.init({
  dsn: process.env.APP_DSN,
  release: process.env.APP_RELEASE,
  environment: "production",
  serverName: process.env.APP_SERVER_NAME,
  maxBreadcrumbs: 20,
});
Sentry.getGlobalScope().setTag("region", "eu-1");

exports.know = (request, response, next) => {
  const name = request.get("X-User");
  if (name) {
    const number = Number(name.replace("user", ""));
    Sentry.setUser({ id: name, email: `${name}@example.com`, ip_address: `192.0.2.${number}` });
  }
  next();
};

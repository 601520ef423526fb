// Starts the SDK for the case that the address names, and opens the next case when it is done.
import * as Sentry from "@sentry/browser";

const project = Number(location.hash.slice(1));
window.asked = cases[project - 1];
window.Sentry = Sentry;

Sentry.init({
  dsn: `${location.protocol}//key@${location.host}/${project}`,
  release: APP_RELEASE,
  environment: "production",
});

window.run = async (all) => {
  const name = window.asked
    .replace(/-minified$/, "")
    .replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
  setTimeout(() => all[name](), 0);
  await new Promise((resolve) => setTimeout(resolve, all[name].waits ?? 60));
  await Sentry.flush(3000);
  await fetch(`/done/${project}`, { method: "POST" });
  if (project < cases.length) {
    location.hash = project + 1;
    location.reload();
  }
};

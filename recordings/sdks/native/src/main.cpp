// Runs one case; a crash is reported by the SDK's handler of signals when the program is next started.
#include <cstdlib>
#include <cstring>
#include <sentry.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "shop.h"

static void start() {
  sentry_options_t *options = sentry_options_new();
  sentry_options_set_dsn(options, std::getenv("SENTRY_DSN"));
  sentry_options_set_release(options, std::getenv("APP_RELEASE"));
  sentry_options_set_environment(options, "production");
  std::string folder = std::string(".sentry-") + std::getenv("SHOP_CASE");
  sentry_options_set_database_path(options, folder.c_str());
  sentry_init(options);
}

int main(int count, char **arguments) {
  std::string name = count > 1 ? arguments[1] : "";
  setenv("SHOP_CASE", name.c_str(), 1);
  pid_t child = fork();
  if (child == 0) {
    start();
    run(name);
    sentry_shutdown();
    return 0;
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    // The crash was written to disk; the next start sends it.
    start();
    sentry_shutdown();
  }
  return 0;
}

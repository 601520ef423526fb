// The cases: a small shop that fails in many ways.
#include "shop.h"

#include <cassert>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <sentry.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>
#include <vector>

// @moved
namespace orders {

struct Order {
  std::string name;
  int cents = 0;
};

int total(const Order *order) { return order->cents + 1; }

struct Shipment {
  virtual ~Shipment() = default;
  virtual int weigh() const = 0;
};

struct Express : Shipment {
  const Order *order = nullptr;
  int weigh() const override { return order->cents * 2; }
};

int ship(const Shipment &shipment) { return shipment.weigh(); }

}  // namespace orders

namespace prices {

int share(int sum, int people) { return sum / people; }

template <typename T> T largest(const std::vector<T> *values) {
  T best = values->at(0);
  for (const T &value : *values) best = value > best ? value : best;
  return best;
}

[[noreturn]] void fail(const std::string &text) { throw std::runtime_error(text); }

int depth(int level) { return level == 0 ? *static_cast<volatile int *>(nullptr) : depth(level - 1) + 1; }

struct Cart {
  ~Cart() { std::abort(); }
};

}  // namespace prices

static void message(const char *text) {
  sentry_capture_event(sentry_value_new_message_event(SENTRY_LEVEL_WARNING, "shop", text));
}

static void exception_event(const char *type, const std::string &value) {
  sentry_value_t exception = sentry_value_new_object();
  sentry_value_set_by_key(exception, "type", sentry_value_new_string(type));
  sentry_value_set_by_key(exception, "value", sentry_value_new_string(value.c_str()));
  sentry_value_t exceptions = sentry_value_new_list();
  sentry_value_append(exceptions, exception);
  sentry_value_t event = sentry_value_new_event();
  sentry_value_set_by_key(event, "exception", exceptions);
  sentry_event_value_add_stacktrace(event, nullptr, 0);
  sentry_capture_event(event);
}

void run(const std::string &name) {
  const std::map<std::string, std::function<void()>> cases = {
      {"null-pointer", [] { orders::total(nullptr); }},
      {"virtual-method", [] { orders::ship(orders::Express()); }},
      {"divide", [] { prices::share(static_cast<int>(getpid()), 0); }},
      {"template-null", [] { prices::largest<int>(nullptr); }},
      {"uncaught-exception", [] { prices::fail("order " + std::to_string(getpid()) + " has no lines"); }},
      {"terminate-in-thread", [] { std::thread([] { prices::fail("thread"); }).join(); }},
      {"thread-null", [] { std::thread([] { orders::total(nullptr); }).join(); }},
      {"assert", [] { assert(std::getenv("NO_SUCH_NAME") != nullptr); }},
      {"destructor", [] { prices::Cart cart; }},
      {"recursion", [] { prices::depth(30); }},
      {"null-function", [] { std::function<void()> none; none(); }},
      {"illegal-instruction", [] { __builtin_trap(); }},
      {"raise", [] { std::raise(SIGBUS); }},
      {"exception-event", [] { exception_event("StockError", "no stock for " + std::to_string(getpid())); }},
      {"message", [] { message("price list is older than a day"); }},
      {"message-with-ids", [] { message(("order " + std::to_string(getpid()) + " is stuck").c_str()); }},
  };
  cases.at(name)();
}

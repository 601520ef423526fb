(ns shop.main
  (:require [shop.prices :as prices])
  (:import (io.sentry Sentry Sentry$OptionsConfiguration SentryOptions)))

;; @moved
(def cases
  {"number" #(prices/parse (str (rand-int 99) " boxes"))
   "divide" #(prices/share (rand-int 99) 0)
   "class-cast" #(prices/add-tax "100")
   "recursion" #(prices/discount 0)
   "chained" #(prices/load-order (str (random-uuid)))
   "ex-info" #(throw (ex-info (str "order " (rand-int 9999) " has no lines") {:code 4}))
   "lambda" #(doall (map (fn [text] (prices/parse text)) ["1" "two"]))
   "named-fn" #(doall (map (fn parse-one [text] (prices/parse text)) ["1" "two"]))
   "lazy" #(first (filter odd? (map prices/parse ["x"])))
   "comprehension" #(doall (for [row [["x"]] text row] (Integer/parseInt text)))
   "reduce" #(reduce (fn [total one] (+ total (:cents one))) 0 [{:cents 1} {}])
   "multimethod" #(prices/weigh {:kind :crate})
   "multimethod-inner" #(prices/weigh {:kind :parcel})
   "protocol" #(prices/carry (prices/->Van 5) ["tea"])
   "macro" #(prices/guarded nil)
   "partial" #((partial prices/share 1) 0)
   "future" #(deref (future (prices/parse "later")))
   "agent" #(let [stock (agent 1)] (send stock (fn [n] (/ n 0))) (await-for 500 stock) (throw (agent-error stock)))
   "atom" #(swap! (atom nil) inc)
   "arity" #(prices/share 1)
   "eval" #(eval '(let [order nil] (.customer order)))
   "read" #(read-string "{:a")
   "nil-call" #((get {} :handler) 1)
   "spec-assert" #(assert (pos? -1) "count is negative")
   "message" #(Sentry/captureMessage "price list is older than a day")})

(defn -main [name]
  (Sentry/init
    (reify Sentry$OptionsConfiguration
      (configure [_ options]
        (.setDsn ^SentryOptions options (System/getenv "SENTRY_DSN"))
        (.setRelease ^SentryOptions options (System/getenv "APP_RELEASE"))
        (.setEnvironment ^SentryOptions options "production")
        (.setServerName ^SentryOptions options "app-1")
        (.addInAppInclude ^SentryOptions options "shop"))))
  (try ((cases name))
       (catch Throwable error (Sentry/captureException error)))
  (Sentry/flush 5000)
  (shutdown-agents))

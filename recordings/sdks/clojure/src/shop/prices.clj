(ns shop.prices)

;; @moved
(defn parse [text] (Integer/parseInt text))

(defn share [sum people] (/ sum people))

(defn add-tax [net] (+ net 19))

(defn discount [depth] (* 0.9 (discount (inc depth))))

(defn load-order [text]
  (try (parse text)
       (catch NumberFormatException error
         (throw (ex-info "cannot load order" {:text text} error)))))

(defmulti weigh :kind)
(defmethod weigh :parcel [parcel] (* 2 (:grams parcel)))

(defprotocol Carrier (carry [this what]))

(defrecord Van [size]
  Carrier
  (carry [_ what] (nth what size)))

(defmacro guarded [& body] `(let [result# (do ~@body)] (inc result#)))

// The cases: a small shop in the browser that fails in many ways.
import React from "react";
import { createRoot } from "react-dom/client";
// @moved
import { Cart, parsePrice, totals, Ledger } from "./shop/prices.js";
import * as gifts from "./shop/gifts.js";
import * as orders from "./shop/orders.js";

const random = (below) => Math.floor(Math.random() * below);
const all = {};

if (NEWER) Object.assign(all, gifts);

all.typeError = () => orders.place({ id: random(1e6) });
all.nullProperty = () => orders.customer(null);
all.referenceError = () => orders.discount(random(99));
all.notFunction = () => orders.callNothing({});
all.rangeError = () => new Array(-random(9) - 1);
all.jsonSyntax = () => JSON.parse(`{"order": ${random(1e5)}, `);
all.codeSyntax = () => new Function("let total = 1 +* 2;");
all.uri = () => decodeURIComponent("%E0%A4%A");
all.evaluated = () => eval(`(function rule(count) { return count.price.net + ${random(9)}; })`)(1);
all.newFunction = () => new Function("order", "return order.customer.name")({});
all.recursion = () => orders.visit({ depth: random(100) });
all.arrow = () => [1, 2, undefined].map((item) => item.toFixed(2));
all.anonymousFunction = () =>
  [{}].forEach(function () {
    throw new Error(`nothing here: ${random(1e6)}`);
  });
all.closure = () => orders.makeCounter("cart")();
all.method = () => new Cart([]).cheapest();
all.staticMethod = () => Cart.restore(null);
all.getter = () => new Cart([{ price: null }]).total;
all.privateMethod = () => new Ledger().close(random(1e6));
all.constructing = () => new Cart(random(99));
all.subclass = () => new orders.Express().ship();
all.generator = () => [...totals([1, null])];
all.asyncAwait = async () => await orders.pay(random(1e6));
all.asyncDeep = async () => await orders.chain(3);
all.rejection = () => void Promise.reject(new Error(`stock of item ${random(1e6)} is unknown`));
all.rejectionOfText = () => void Promise.reject(`no stock for ${random(1e6)}`);
all.rejectionOfObject = () => void Promise.reject({ code: 40 + random(5), reason: "no stock" });
all.thrownText = () => {
  throw "out of tea";
};
all.thrownObject = () => {
  throw { code: random(9), reason: "declined" };
};
all.aggregate = async () => await Promise.any(["tea", "coffee"].map((name) => orders.stock(name)));
all.cause = () => orders.loadSettings(`{"currency": ${random(9)},`);
all.timer = () => setTimeout(() => orders.expire(), 5);
all.interval = () => {
  const timer = setInterval(function tick() {
    clearInterval(timer);
    orders.expire();
  }, 5);
};
all.frame = () => requestAnimationFrame(() => orders.expire());
all.frame.waits = 400;
all.microtask = () => queueMicrotask(() => orders.expire());
all.click = () => {
  document.querySelector("#pay").addEventListener("click", function pay(event) {
    orders.customer(event.detail.order);
  });
  document.querySelector("#pay").click();
};
all.clickInline = () => {
  document.querySelector("#pay").setAttribute("onclick", "checkoutNow(this)");
  document.querySelector("#pay").click();
};
all.customEvent = () => {
  addEventListener("paid", (event) => parsePrice(event.detail.price));
  dispatchEvent(new CustomEvent("paid", { detail: { price: "free" } }));
};
all.dom = () => document.querySelector("#missing").append("tea");
all.domException = () => document.querySelector(`#${random(9)}price`);
all.appendTwice = () => document.body.appendChild(document);
all.storage = () => localStorage.setItem("cart", "x".repeat(2e7));
all.fetchFailed = async () => await fetch(`http://shop.example:1/stock/${random(1e6)}`);
all.fetchFailed.waits = 1500;
all.fetchStatus = async () => await orders.fetchJson(`/stock/${random(1e6)}`);
all.fetchStatus.waits = 300;
all.fetchAborted = async () => await fetch("/", { signal: AbortSignal.abort() });
all.xhr = () => {
  const request = new XMLHttpRequest();
  request.open("GET", "/missing.json");
  request.onload = function loaded() {
    parsePrice(request.responseText);
  };
  request.send();
};
all.xhr.waits = 300;
all.worker = () => new Worker("/worker.js").postMessage(`item ${random(99)}`);
all.worker.waits = 500;
all.postMessage = () => {
  addEventListener("message", (event) => orders.customer(event.data.order));
  postMessage({ order: null });
};
all.importFailed = async () => await import(["/static", "chunk.none.js"].join("/"));
all.importFailed.waits = 300;
all.proxy = () => orders.tracked({ total: () => [].at(0).price }).total();
all.sortCompare = () => [{ price: 1 }, null].sort((a, b) => a.price - b.price);
all.react = () => {
  const Price = ({ item }) => React.createElement("b", null, item.price.net);
  const Shop = () => React.createElement(Price, { item: {} });
  createRoot(document.querySelector("#root")).render(React.createElement(Shop));
};
all.react.waits = 300;
all.reactEffect = () => {
  function Basket() {
    React.useEffect(() => orders.expire());
    return null;
  }
  createRoot(document.querySelector("#root")).render(React.createElement(Basket));
};
all.reactEffect.waits = 300;
all.onlyNative = () => setTimeout(JSON.parse, 1, "{");
all.handled = () => {
  try {
    parsePrice(`${random(99)} EUR`);
  } catch (error) {
    Sentry.captureException(error);
  }
};
all.customName = () => {
  const error = new Error(`card ${random(1e4)} was declined`);
  error.name = "CardDeclined";
  throw error;
};
all.captureEvent = () => Sentry.captureException(new ErrorEvent("error", { message: "broken pipe" }));
all.captureObject = () => Sentry.captureException({ code: 42, reason: "declined" });
all.message = () => Sentry.captureMessage("price list is older than a day");
all.messageWithIds = () => Sentry.captureMessage(`order ${random(1e7)} is stuck for ${random(90)} ms`);
all.fingerprintCustom = () =>
  Sentry.captureException(new Error(`declined ${random(99)}`), { fingerprint: ["payment", "card"] });
all.fingerprintHybrid = () =>
  Sentry.captureException(new Error(`declined ${random(99)}`), {
    fingerprint: ["{{ default }}", "tenant-blue"],
  });

run(all);

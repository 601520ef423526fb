// The cases: a small shop that fails in many ways.
const { AsyncLocalStorage } = require("node:async_hooks");
const { EventEmitter } = require("node:events");
const fs = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const vm = require("node:vm");
const { Worker } = require("node:worker_threads");
const util = require("node:util");
const Sentry = require("@sentry/node");
const axios = require("axios");
const ejs = require("ejs");
const { z } = require("zod");

// @moved
if (typeof NEWER !== "undefined" && NEWER) Object.assign(exports, require("./shop/gifts"));
const { Cart, priceOf, parsePrice, totals, Ledger } = require("./shop/prices");
const orders = require("./shop/orders");

const random = (below) => Math.floor(Math.random() * below);
const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

exports.typeError = () => orders.place({ id: random(1e6) });
exports.referenceError = () => orders.discount(random(99));
exports.rangeError = () => new Array(-random(9) - 1);
exports.syntaxErrorJson = () => JSON.parse(`{"order": ${random(1e5)}, `);
exports.syntaxErrorCode = () => new vm.Script("let total = 1 +* 2;", { filename: "rules.js" });
exports.syntaxErrorRegexp = () => new RegExp(`[${random(9)}`);
exports.evaluated = () => eval(`(function rule(count) { return count.price.net + ${random(9)}; })`)(1);
exports.newFunction = () => new Function("order", "return order.customer.name")({});
exports.recursion = () => orders.visit({ depth: random(100) });
exports.recursionMutual = () => orders.even(1e9 + random(5));
exports.arrow = () => [1, 2, undefined].map((item) => item.toFixed(2));
exports.anonymousFunction = () =>
  [{}].forEach(function () {
    throw new Error(`nothing here: ${random(1e6)}`);
  });
exports.closure = () => orders.makeCounter("cart")();
exports.method = () => new Cart([]).cheapest();
exports.staticMethod = () => Cart.restore(null);
exports.getter = () => new Cart([{ price: null }]).total;
exports.privateMethod = () => new Ledger().close(random(1e6));
exports.constructor = () => new Cart(random(99));
exports.subclass = () => new orders.Express().ship();
exports.generator = () => [...totals([1, null])];
exports.asyncAwait = async () => await orders.pay(random(1e6));
exports.asyncDeep = async () => await orders.chain(3);
exports.rejection = () => {
  Promise.reject(new Error(`stock of item ${random(1e6)} is unknown`));
};
exports.rejectionOfText = () => {
  Promise.reject(`no stock for ${random(1e6)}`);
};
exports.rejectionOfObject = () => {
  Promise.reject({ code: 40 + random(5), reason: "no stock" });
};
exports.thrownText = () => {
  throw "out of tea";
};
exports.aggregate = async () =>
  await Promise.any(["tea", "coffee"].map((name) => orders.stock(name)));
exports.cause = () => orders.loadSettings(`{"currency": ${random(9)},`);
exports.causeTwice = async () => {
  try {
    await orders.pay(random(1e6));
  } catch (error) {
    throw new orders.CheckoutError(`order ${random(1e6)} failed`, { cause: error });
  }
};
exports.timer = () => new Promise(() => setTimeout(() => orders.expire(), 5));
exports.immediate = () => new Promise(() => setImmediate(() => orders.expire()));
exports.nextTick = () => new Promise(() => process.nextTick(() => orders.expire()));
exports.emitter = () => {
  const bus = new EventEmitter();
  bus.on("paid", (order) => priceOf(order.items[3]));
  bus.emit("paid", { items: [] });
};
exports.emitterUnheard = () => new EventEmitter().emit("error", new Error("pipe is closed"));
exports.stream = () => new Promise(() => fs.createReadStream(`/srv/feeds/${random(1e6)}.csv`));
exports.missingFile = () => fs.readFileSync(`/srv/feeds/${random(1e6)}.csv`);
exports.connectionRefused = async () => {
  const port = await freePort();
  await new Promise((resolve, reject) => http.get({ host: "127.0.0.1", port }, resolve).on("error", reject));
};
exports.fetchRefused = async () => await fetch(`http://127.0.0.1:${await freePort()}/stock`);
exports.axiosRefused = async () => await axios.get(`http://127.0.0.1:${await freePort()}/stock/${random(1e6)}`);
exports.axiosStatus = async () => {
  const server = http.createServer((_, response) => response.writeHead(503).end());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  await axios.get(`http://127.0.0.1:${server.address().port}/stock/${random(1e6)}`);
};
exports.fetchTimeout = async () => {
  const server = http.createServer(() => undefined);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  await fetch(`http://127.0.0.1:${server.address().port}/slow`, { signal: AbortSignal.timeout(20) });
};
exports.onlyLibrary = () => util.promisify(null);
exports.onlyLibraryLate = () => new Promise(() => setTimeout(util.inherits, 1));
exports.template = () => ejs.render("<p>Hello\n<%= order.customer.name %></p>", { order: {} });
exports.validation = () => z.object({ count: z.number() }).parse({ count: `${random(99)}` });
exports.worker = () =>
  new Promise((_, reject) =>
    new Worker("require('node:assert').strictEqual(1, 2)", { eval: true }).on("error", reject),
  );
exports.proxy = () => orders.tracked({ total: () => [].at(0).price }).total();
exports.dynamicImport = async () => await import(["./plugins", "none.mjs"].join("/"));
exports.requireMissing = () => module.require(["./plugins", "none"].join("/"));
exports.assertion = () => require("node:assert").equal(priceOf({ price: 2 }), 3);
exports.asyncLocal = () => new AsyncLocalStorage().run({}, () => orders.expire());
exports.sortCompare = () => [{ price: 1 }, null].sort((a, b) => a.price - b.price);
exports.handled = () => {
  try {
    parsePrice(`${random(99)} EUR`);
  } catch (error) {
    Sentry.captureException(error);
  }
};
exports.customName = () => {
  const error = new Error(`card ${random(1e4)} was declined`);
  error.name = "CardDeclined";
  throw error;
};
exports.captureObject = () => {
  Sentry.captureException({ code: 42, reason: "declined" });
};
exports.message = () => {
  Sentry.captureMessage("price list is older than a day");
};
exports.messageWithIds = () => {
  Sentry.captureMessage(`order ${random(1e7)} is stuck for ${random(90)} ms`);
};
exports.messageParameterised = () => {
  Sentry.captureMessage(Sentry.parameterize`order ${random(1e7)} of ${"tea"} is stuck`);
};
exports.fingerprintCustom = () => {
  Sentry.captureException(new Error(`declined ${random(99)}`), { fingerprint: ["payment", "card"] });
};
exports.fingerprintHybrid = () => {
  Sentry.captureException(new Error(`declined ${random(99)}`), {
    fingerprint: ["{{ default }}", "tenant-blue"],
  });
};

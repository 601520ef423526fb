// Orders, with the mistakes that people make.

class CheckoutError extends Error {}
exports.CheckoutError = CheckoutError;

// @moved
exports.place = (order) => reserve(order.cart);

function reserve(cart) {
  return cart.items.length;
}

exports.discount = function discount(percent) {
  return percent * rebateFactor;
};

exports.visit = function visit(node) {
  node.next ??= { depth: node.depth + 1 };
  return visit(node.next) + 1;
};

exports.even = function even(n) {
  return n === 0 ? true : odd(n - 1) && n;
};

function odd(n) {
  return n === 0 ? false : exports.even(n - 1) && n;
}

exports.makeCounter = (name) => {
  const counts = {};
  return () => counts[name].next();
};

class Shipment {
  ship() {
    return this.carrier().toUpperCase();
  }

  carrier() {
    throw new Error(`${this.constructor.name} has no carrier`);
  }
}

exports.Express = class Express extends Shipment {};

exports.pay = async function pay(order) {
  await null;
  const card = await cardOf(order);
  return card.number;
};

async function cardOf(order) {
  await null;
  return order ? undefined : {};
}

exports.chain = async function chain(depth) {
  await null;
  return depth ? await chain(depth - 1) : await exports.pay(7);
};

exports.stock = async function stock(name) {
  throw new Error(`stock of ${name} is unknown`);
};

exports.loadSettings = function loadSettings(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CheckoutError("settings of the shop are broken", { cause: error });
  }
};

exports.expire = function expire() {
  const sessions = undefined;
  return sessions.clear();
};

exports.tracked = (target) =>
  new Proxy(target, {
    get(object, name) {
      return (...args) => object[name](...args);
    },
  });

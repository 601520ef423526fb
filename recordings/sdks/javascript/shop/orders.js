// Orders, with the mistakes that people make.

export class CheckoutError extends Error {}

// @moved
export const place = (order) => reserve(order.cart);

function reserve(cart) {
  return cart.items.length;
}

export function discount(percent) {
  return percent * rebateFactor;
}

export function visit(node) {
  node.next ??= { depth: node.depth + 1 };
  return visit(node.next) + 1;
}

export function even(n) {
  return n === 0 ? true : odd(n - 1) && n;
}

function odd(n) {
  return n === 0 ? false : even(n - 1) && n;
}

export const makeCounter = (name) => {
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

export class Express extends Shipment {}

export async function pay(order) {
  await null;
  const card = await cardOf(order);
  return card.number;
}

async function cardOf(order) {
  await null;
  return order ? undefined : {};
}

export async function chain(depth) {
  await null;
  return depth ? await chain(depth - 1) : await pay(7);
}

export async function stock(name) {
  throw new Error(`stock of ${name} is unknown`);
}

export function loadSettings(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CheckoutError("settings of the shop are broken", { cause: error });
  }
}

export function expire() {
  const sessions = undefined;
  return sessions.clear();
}

export const tracked = (target) =>
  new Proxy(target, {
    get(object, name) {
      return (...args) => object[name](...args);
    },
  });

export const customer = (order) => order.customer.name;

export function callNothing(shop) {
  return shop.checkout();
}

export async function fetchJson(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

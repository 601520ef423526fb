// Prices, with the mistakes that people make.

// @moved
export const priceOf = (item) => item.price;

export function parsePrice(text) {
  if (!/^\d+\.\d\d$/.test(text)) throw new TypeError(`not a price: ${text}`);
  return Number(text);
}

export function* totals(values) {
  let total = 0;
  for (const value of values) {
    total += value.valueOf();
    yield total;
  }
}

export class Cart {
  constructor(items) {
    this.items = items.slice();
  }

  static restore(saved) {
    return new Cart(saved.items);
  }

  cheapest() {
    return this.items.reduce((a, b) => (a.price < b.price ? a : b)).price;
  }

  get total() {
    return this.items.map((item) => item.price.net).join();
  }
}

export class Ledger {
  #entries = [];

  #balance(account) {
    return this.#entries[account].sum;
  }

  close(account) {
    return this.#balance(account);
  }
}

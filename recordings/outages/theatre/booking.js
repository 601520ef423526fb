// The booking service: prices, vouchers, tickets.
require("./report");
const ledger = require("./ledger");
const { serve } = require("./serve");
const { upstream } = require("./upstream");

const seats = upstream("seats", process.env.APP_SEATS_PORT);
const VOUCHERS = { user4: "SPRING", user17: "GIFT-2019" };
const VALUES = { SPRING: { cents: 500 } };

function voucherValue(user) {
  const code = VOUCHERS[user];
  return code === undefined ? 0 : VALUES[code].cents;
}

function splitBill(cents, guests) {
  return new Array(guests - 1).fill(Math.floor(cents / guests));
}

class Tickets {
  async book(user, { show, seat, cents }) {
    const price = cents - voucherValue(user);
    const { row } = await seats("POST", "/holds", user, { show, seat });
    await this.#issue(user, `${show}/${row}/${price}`);
    return price;
  }

  async latest(user) {
    return ledger.read(`tickets/${user}`);
  }

  async #issue(user, ticket) {
    await ledger.write(`tickets/${user}`, ticket);
  }
}

const tickets = new Tickets();
serve((app) => {
  app.post("/bookings", async (request, response) => {
    response.json({ price: await tickets.book(request.get("X-User"), request.body) });
  });
  app.get("/tickets/:user", async (request, response) => {
    response.json({ latest: await tickets.latest(request.params.user) });
  });
  app.post("/bills", (request, response) => {
    response.json({ parts: splitBill(request.body.cents, request.body.guests) });
  });
});

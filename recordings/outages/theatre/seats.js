// The seats service: plans of the halls, and who holds which seat.
require("./report");
const Sentry = require("@sentry/node");
const ledger = require("./ledger");
const { serve } = require("./serve");

const HALLS = { main: { rows: 20, drawn: 2024 }, studio: { rows: 6, drawn: 2009 } };
const ROWS = "ABCDEFGHJKLMNPQRSTUV";

function rowNumber(seat) {
  const row = ROWS.indexOf(seat[0]);
  if (row < 0) throw new RangeError(`No row ${seat[0]} in a seat named ${seat}`);
  return row + 1;
}

async function freeSeats(show) {
  const held = await ledger.read(`shows/${show}`);
  return 240 - held.split(",").length;
}

async function hold(show, seat, user) {
  const row = rowNumber(seat);
  await ledger.write(`holds/${show}/${seat}`, user);
  return row;
}

serve((app) => {
  app.get("/plans/:show", async (request, response) => {
    response.json({ free: await freeSeats(request.params.show) });
  });
  app.post("/holds", async (request, response) => {
    const { show, seat } = request.body;
    response.json({ row: await hold(show, seat, request.get("X-User")) });
  });
  app.get("/halls/:hall", (request, response) => {
    const hall = HALLS[request.params.hall];
    if (hall.drawn < 2015) {
      Sentry.captureMessage(`Plan of hall ${request.params.hall} is older than the hall`, "error");
    }
    response.json(hall);
  });
});

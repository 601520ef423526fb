// The foyer: what visitors of the site talk to.
require("./report");
const programme = require("./programme");
const { serve } = require("./serve");
const { upstream } = require("./upstream");

const seats = upstream("seats", process.env.APP_SEATS_PORT);
const booking = upstream("booking", process.env.APP_BOOKING_PORT);

serve((app) => {
  app.get("/shows/:show", async (request, response) => {
    const line = programme.posterLine(request.params.show);
    const { free } = await seats("GET", `/plans/${request.params.show}`, request.get("X-User"));
    response.json({ line, free });
  });
  app.post("/bookings", async (request, response) => {
    const points = programme.points(request.body);
    const answer = await booking("POST", "/bookings", request.get("X-User"), request.body);
    response.json({ ...answer, points });
  });
  app.get("/calendar", (request, response) => {
    response.json({ day: programme.isoDay(request.query.day) });
  });
});

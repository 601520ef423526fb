// The ledger: keys and values over HTTP. It is what dies; nobody there reports errors.
const http = require("node:http");

const [port, warmUpS] = process.argv.slice(2).map(Number);
const readyAt = Date.now() + warmUpS * 1000;
const kept = new Map();

const server = http.createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  if (Date.now() < readyAt) {
    response.writeHead(503).end();
    return;
  }
  if (request.method === "PUT") kept.set(request.url, Buffer.concat(parts).toString());
  response.end(kept.get(request.url) ?? "");
});
server.listen(port, "127.0.0.1", () => console.log(`ready ${server.address().port}`));

// The client of the ledger, which knows who holds which seat; its failures pass as they are.
const LIMIT_MS = 500;
const port = process.env.APP_LEDGER_PORT;

class LedgerLoading extends Error {
  name = "LedgerLoading";
}

async function askLedger(method, key, value) {
  const answer = await fetch(`http://127.0.0.1:${port}/${key}`, {
    method,
    body: value,
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  if (answer.status === 503) {
    throw new LedgerLoading(`the ledger is loading, asked for ${key}`);
  }
  return answer.text();
}

exports.read = async (key) => askLedger("GET", key);
exports.write = async (key, value) => askLedger("PUT", key, value);

// Calls from one service of the theatre to another; the SDK adds the trace headers.
class UpstreamFailed extends Error {
  name = "UpstreamFailed";
}

class UpstreamTimeout extends Error {
  name = "UpstreamTimeout";
}

const LIMIT_MS = 900;

exports.upstream = (name, port) =>
  async function call(method, path, user, content) {
    let answer;
    try {
      answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { "X-User": user, "Content-Type": "application/json" },
        body: content && JSON.stringify(content),
        signal: AbortSignal.timeout(LIMIT_MS),
      });
    } catch (error) {
      if (error.name === "TimeoutError") {
        throw new UpstreamTimeout(`${name} gave no answer in ${LIMIT_MS} ms`, { cause: error });
      }
      throw error;
    }
    if (answer.status >= 500) {
      throw new UpstreamFailed(`${name} answered ${answer.status} to ${method} ${path}`);
    }
    return answer.json();
  };

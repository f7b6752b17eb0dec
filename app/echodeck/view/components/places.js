// Where a job comes from, and addresses of other programs as this browser can reach them.

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

// The name that people know an engine by.
function engineName(feed, name) {
  return feed.board.get("engines", name)?.label || name;
}

// A job of somebody else's: told of by a script, or seen in a server that others use. "" for one of our own queue.
function originOf(feed, job) {
  if (job.origin === "script") return "script";
  return job.origin === "observed" ? `observed in ${engineName(feed, job.engine)}` : "";
}

// An http address, or "". What a program there calls its own machine is, seen from another, where this page came from.
function reachable(address, here = location.hostname) {
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) return "";
  const url = new URL(address);
  if (here && !LOOPBACK.test(here) && LOOPBACK.test(url.hostname)) url.hostname = here;
  return url.href;
}

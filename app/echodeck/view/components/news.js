// What is news to who watches: errors and warnings that have just begun, and how one's own jobs ended.

// A reconnect brings what happened meanwhile; what is older than this has been, and is no news any more.
const OLD_MS = 15000;
const ENDED = { generation_complete: ["success", "is done", "are done"],
  generation_failed: ["error", "failed", "failed"] };
const GRAVE = { warning: 1, error: 2 };

function mine(feed, job) {
  return Boolean(job) && (job.user ?? "") === (feed.link?.user ?? "");
}

// tell({ kind, level, title, text, many, view }) for each; `many(count)` is the title of several of a kind, `view` where
// to look. `on` is the frame's.
function newsOf(feed, on, tell) {
  const open = new Map();
  const know = (alerts) => {
    open.clear();
    for (const alert of alerts) if (!alert.resolvedAt) open.set(alert.id, alert.level);
  };
  const told = (message) => feed.now() - when(message.timestamp) < OLD_MS
    && (feed.board.get("parts", "notify")?.on ?? true);

  know(feed.board.all("alerts").values());
  on("initial_state", (state) => know(state.alerts ?? []));
  on("alert_resolved", (alert) => open.delete(alert.id));
  on("system_alert", (alert, message) => {
    const known = open.get(alert.id);
    // One that is only counted or brought up to date is no news; one that has become graver is.
    if (known !== undefined && (GRAVE[alert.level] ?? 0) <= (GRAVE[known] ?? 0)) return;
    if (alert.silencedUntil && when(alert.silencedUntil) > feed.now()) return;
    open.set(alert.id, alert.level);
    if (alert.acknowledgedAt || !GRAVE[alert.level] || !told(message)) return;
    const rule = String(alert.cause ?? "").replace(/^rule:/, "").split(":")[0];
    // That one's own job failed is told as its ending.
    if (rule === "failed" && mine(feed, feed.board.get("jobs", alert.jobId))) return;
    tell({ kind: `alert:${alert.level}:${rule}`, level: alert.level, title: alert.title, text: alert.message, view: "logs",
      many: (count) => `${count} × ${alert.title}` });
  });
  for (const [type, [level, one, several]] of Object.entries(ENDED)) {
    on(type, (job, message) => {
      if (!mine(feed, job) || !told(message)) return;
      tell({ kind: type, level, title: `${job.title} ${one}`, text: job.error ?? "", view: "now",
        many: (count) => `${count} generations ${several}` });
    });
  }
}

// Alerts: sentences that say what, since when and why. A resolved one fades, then goes.

const FADES_MS = 60000;
const MOST = 30;

function item(feed, alertId) {
  const [title, why, at] = [h("span.name"), h("small"), h("time")];
  const button = iconButton("check", "Acknowledge", "alert-acknowledge",
    (event) => act(feed, event.currentTarget, "acknowledge_alert", { alertId }), ".bare");
  const node = h("div.alert", { data: { testid: "alert", alert: alertId } }, h("i.level"), h("div.names", {}, title,
    why), at, button);
  node.update = (alert) => {
    setAttr(node, "data-level", alert.resolvedAt ? "success" : alert.level);
    setAttr(node, "data-job", alert.jobId);
    node.classList.toggle("resolved", Boolean(alert.resolvedAt));
    node.classList.toggle("seen", Boolean(alert.acknowledgedAt));
    setText(title, alert.title);
    setText(why, [alert.message, alert.count > 1 && `${alert.count} times`, alert.resolvedAt
      && `resolved at ${clock(when(alert.resolvedAt))}`,
      alert.acknowledgedAt
        && `seen${alert.acknowledgedBy ? ` by ${alert.acknowledgedBy}` : ""}`].filter(Boolean).join(" · "));
    setText(at, clock(when(alert.at)));
    setAttr(at, "datetime", alert.at ?? "");
    show(button, !alert.acknowledgedAt && !alert.resolvedAt);
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch, tick } = frame(model, el);
  const list = h("div", { role: "log", "aria-live": "polite", "aria-label": "Alerts" });
  const count = h("span.quiet");
  const empty = h("p.empty", {}, "All is well.");
  el.append(h("section.card", { data: { testid: "alerts" } }, h("div.label", {}, h("h2", {}, "Alerts"),
    h("span.space"), count), list, empty));

  const draw = (changed) => {
    const keys = changed?.get("alerts");
    const recent = (alert) => !alert.resolvedAt || feed.now() - when(alert.resolvedAt) < FADES_MS;
    const rank = (alert) => (alert.resolvedAt || alert.acknowledgedAt ? 1 : 0);
    const alerts = [...feed.board.all("alerts").values()].filter(recent)
      .sort((a, b) => rank(a) - rank(b) || when(b.at) - when(a.at)).slice(0, MOST);
    rows(list, alerts, (alert) => alert.id, (alert) => item(feed, alert.id), (alert) => keys?.has(alert.id));
    const open = alerts.filter((alert) => !rank(alert)).length;
    setText(count, open ? `${open} open` : "");
    show(empty, !alerts.length);
  };
  watch(["alerts"], draw);
  let beat = 0;
  tick(() => (beat += 1) % 6 === 0 && draw());
}

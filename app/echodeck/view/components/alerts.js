// Alerts: sentences that say what, since when and why, to be acknowledged or silenced for a time. A resolved one fades,
// then goes.

const FADES_MS = 60000;
const MOST = 30;
const SILENCES = [["", "Silence…"], ["3600", "for 1 hour"], ["28800", "for 8 hours"]];

function silent(feed, alert) {
  return Boolean(alert.silencedUntil) && when(alert.silencedUntil) > feed.now();
}

// For how long an alert is to call nobody; a silenced one can be let call again.
function silencer(feed, alertId) {
  const choice = h("select", { "aria-label": "Silence", data: { testid: "alert-silence" } });
  choice.addEventListener("change", () => {
    const seconds = choice.value;
    choice.value = "";
    if (seconds) act(feed, choice, "silence_alert", { alertId, seconds: Number(seconds) });
  });
  choice.update = (alert) => {
    const choices = silent(feed, alert) ? [["", "Silent"], ["0", "call again"], ...SILENCES.slice(1)] : SILENCES;
    if (choice.options.length !== choices.length)
      choice.replaceChildren(...choices.map(([value, label]) => h("option", { value }, label)));
  };
  return choice;
}

function sentence(feed, alert) {
  return [alert.message, alert.count > 1 && !alert.jobs?.length && `${alert.count} times`,
    alert.resolvedAt && `resolved at ${clock(when(alert.resolvedAt))}`,
    alert.acknowledgedAt && `seen${alert.acknowledgedBy ? ` by ${alert.acknowledgedBy}` : ""}`,
    silent(feed, alert) && `silent until ${clock(when(alert.silencedUntil))}`
      + `${alert.silencedBy ? `, by ${alert.silencedBy}` : ""}`].filter(Boolean).join(" · ");
}

function item(feed, alertId) {
  const [title, why, at] = [h("span.name"), h("small"), h("time")];
  const button = iconButton("check", "Acknowledge", "alert-acknowledge",
    (event) => act(feed, event.currentTarget, "acknowledge_alert", { alertId }), ".bare");
  const silence = silencer(feed, alertId);
  const [answer, about] = [h("div.answer", {}, silence, button), aboutAlert(feed)];
  const node = h("div.alert", { data: { testid: "alert", alert: alertId } }, h("i.level"), h("div.names", {}, title,
    why, about), at, answer);
  node.update = (alert) => {
    setAttr(node, "data-level", alert.resolvedAt ? "success" : alert.level);
    setAttr(node, "data-job", alert.jobId);
    node.classList.toggle("resolved", Boolean(alert.resolvedAt));
    node.classList.toggle("seen", Boolean(alert.acknowledgedAt) || silent(feed, alert));
    setText(title, alert.title);
    setText(why, sentence(feed, alert));
    silence.update(alert);
    about.update(alert);
    setText(at, clock(when(alert.at)));
    setAttr(at, "datetime", alert.at ?? "");
    show(button, !alert.acknowledgedAt);
    show(answer, !alert.resolvedAt);
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
    const rank = (alert) => (alert.resolvedAt || alert.acknowledgedAt || silent(feed, alert) ? 1 : 0);
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

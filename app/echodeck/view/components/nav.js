// The page's views: a column at the left, on a phone a bar at the foot.

const PICTURES = {
  now: ["M4 13h4l3-8 3 14 3-6h3"], queue: ["M4 6h16M4 12h16M4 18h10"],
  machines: ["M4 4h16v12H4zM8 20h8"],
  brain: ["M12 5v14", "M12 6a3 3 0 0 0-6 1 3 3 0 0 0-1 5 3.4 3.4 0 0 0 2 5 3 3 0 0 0 5 1",
    "M12 6a3 3 0 0 1 6 1 3 3 0 0 1 1 5 3.4 3.4 0 0 1-2 5 3 3 0 0 1-5 1"],
  logs: ["M6 4h12v16H6zM9 9h6M9 13h6M9 17h3"],
};
const LABELS = { now: "Now", queue: "Queue", machines: "Machines", brain: "Brain", logs: "Logs" };

function link(id) {
  const count = h("span.n");
  const node = h("a", { href: `#${id}`, data: { testid: `nav-${id}` } },
    svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, ...PICTURES[id].map((d) => svg("path", { d }))),
    h("span", {}, LABELS[id]), count);
  return { id, node, count };
}

export function render({ model, el }) {
  const { feed, watch, tick, hear } = frame(model, el);
  const links = Object.keys(LABELS).map(link);
  const foot = h("div.foot");
  el.append(h("nav.nav-bar", { "aria-label": "Views" }, h("div.logo", {}, mark(), "echodeck"),
    ...links.map((item) => item.node), foot));

  const lightUp = () => links.forEach(({ id, node }) => {
    node.classList.toggle("on", view() === id);
    if (view() === id) node.setAttribute("aria-current", "page");
    else node.removeAttribute("aria-current");
  });
  hear("echodeck-view", lightUp);
  lightUp();

  watch(["queue", "hosts", "alerts"], () => {
    const open = [...feed.board.all("alerts").values()].filter((alert) => !alert.resolvedAt && !alert.acknowledgedAt
      && !(alert.silencedUntil && when(alert.silencedUntil) > feed.now()));
    const counts = { queue: feed.board.get("queue")?.stats.pending, machines: feed.board.all("hosts").size,
      logs: open.filter((alert) => alert.level === "error" || alert.level === "warning").length };
    links.forEach(({ id, count }) => setText(count, counts[id] ? String(counts[id]) : ""));
  });
  const footer = () => {
    const watching = feed.board.get("presence")?.watching ?? 0;
    const version = feed.status.hub?.version ? `hub ${feed.status.hub.version}` : "";
    const hosts = [...feed.board.all("hosts").keys()];
    const where = hosts.length === 1 ? hosts[0] : hosts.length ? `${hosts.length} machines` : "";
    setText(foot, [[where, version].filter(Boolean).join(" · "), watching ? `${watching} watching`
      : ""].filter(Boolean).join("\n"));
  };
  watch(["presence", "connection"], footer);
  tick(footer);
}

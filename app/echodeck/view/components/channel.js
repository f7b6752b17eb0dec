// The page's way to the hub: makes the connection that all components share, brings their style where the page does
// not, and counts the running job up in the tab's title. Draws nothing.

function baseOf(config) {
  if (config.address === "same-origin") return new URL(config.prefix || ".", location.href).href.replace(/\/$/, "");
  if (config.address !== "port") return config.address;
  const host = location.hostname.includes(":") ? `[${location.hostname}]` : location.hostname;
  return `${location.protocol}//${host}:${config.port}`;
}

function linkFor(model, feed) {
  const config = model.config;
  if (config.transport === "notebook") return new KernelLink(feed, model);
  if (config.transport === "report") return new PageLink(feed, model.messages);
  let user = config.user;
  try {
    user = localStorage.getItem("echodeck.user") || user;
  } catch (error) {
    console.info("echodeck: no storage in this browser, so no remembered name", error);
  }
  return new SocketLink(feed, baseOf(config), user);
}

function titleOf(feed) {
  const jobs = [...feed.board.all("jobs").values()].filter((job) => job.status === "running");
  if (!jobs.length) return "echodeck";
  const first = jobs.reduce((a, b) => (when(a.startedAt) <= when(b.startedAt) ? a : b));
  const more = jobs.length > 1 ? ` +${jobs.length - 1}` : "";
  return `${shareOf(first)} · ${first.title}${more} — echodeck`;
}

export function render({ model, el }) {
  window.echodeckSheet ??= new CSSStyleSheet();
  if (model.style_text && !window.echodeckSheet.cssRules.length) window.echodeckSheet.replaceSync(model.style_text);
  const { feed, watch } = frame(model, el);
  feed.info = model.config;
  if (feed.link?.adopt) feed.link.adopt(model);
  feed.attach(model.config.table, linkFor(model, feed));
  if (model.config.transport === "served") {
    // The page's own server is not needed for what is live: say that it is away, and no more.
    model.document?.on_event("connection_lost",
      () => say("The page's server is away. Live values and commands go on."));
    model.document?.on_event("client_reconnected", () => say("The page's server is back."));
    watch(["jobs", "connection"], () => {
      const text = titleOf(feed);
      document.title = feed.status.state === "waiting" ? `⚠ ${text}` : text;
    });
  }
}

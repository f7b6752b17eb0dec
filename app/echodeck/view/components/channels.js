// The channels that messages go out by: how it went, and a test of each.

function state(channel) {
  if (channel.trouble) return channel.trouble;
  const test = channel.test;
  const tried = test && (!test.at ? `${test.by} tests it…` : test.error ? `the test failed: ${test.error}`
    : `the test by ${test.by} arrived at ${clock(when(test.at))}`);
  return [channel.sentAt ? `last sent at ${clock(when(channel.sentAt))}` : "nothing sent yet",
    channel.waiting && `${channel.waiting} waiting`, channel.quiet && "quiet hours",
    channel.error && `${channel.error} (${clock(when(channel.errorAt))})`, tried].filter(Boolean).join(" · ");
}

function channelRow(feed, name) {
  const [title, address, how] = [h("span.name", {}, name), h("small.quiet"), h("small")];
  const button = h("button.small", { type: "button", data: { testid: `channel-test-${name}` },
    onclick: () => (button.why ? say(button.why) : act(feed, button, "notify_test", { channel: name })) }, "Test");
  button.label = `Send a test message to ${name}`;
  const node = h("div.part", { data: { testid: "channel", channel: name } }, h("div.names", {}, title, address, how),
    button);
  node.update = (channel) => {
    setText(address, channel.address);
    setText(how, state(channel));
    node.classList.toggle("wrong", Boolean(channel.trouble || channel.error || channel.test?.error));
    const busy = channel.test && !channel.test.at;
    forbid(button, channel.trouble || (busy ? "a test is under way" : ""));
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch } = frame(model, el);
  const list = h("div");
  const empty = h("p.empty", {}, "No channel is set up. In echodeck.toml, [notify] says which messages go where.");
  el.append(h("section.card", { "aria-label": "Messages out", data: { testid: "channels" } },
    h("div.label", {}, h("h2", {}, "Messages out")), list, empty));
  watch(["channels"], (changed) => {
    const channels = [...feed.board.all("channels").values()].sort((a, b) => a.name.localeCompare(b.name));
    rows(list, channels, (one) => one.name, (one) => channelRow(feed, one.name),
      (one) => changed.get("channels")?.has(one.name));
    show(empty, !channels.length);
  });
}

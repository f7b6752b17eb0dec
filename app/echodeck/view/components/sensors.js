// What a machine has several of and no bar for: network interfaces and temperature sensors, each with the way to its
// figure over time.

// Opens a figure in the card that draws any of them.
function overTime(host, key) {
  location.hash = "machines";
  dispatchEvent(new CustomEvent("echodeck-series", { detail: { host, key } }));
}

function sensor(host) {
  const [name, value] = [h("span"), h("b")];
  const node = h("button.sensor", { type: "button", data: { testid: "sensor" }, onclick: () => overTime(host, node.key) },
    name, value);
  node.update = ({ key, label, text }) => {
    node.key = key;
    setText(name, label);
    setText(value, text);
    setAttr(node, "title", `${label} over time`);
  };
  return node;
}

function sensorsOf(host) {
  const nets = (host.nets ?? []).filter((net) => net.is_up).map((net) => ({ label: net.name,
    key: `net.${net.name}.received_bytes_per_s`,
    text: `↓ ${bytes(net.received_bytes_per_s)}/s ↑ ${bytes(net.sent_bytes_per_s)}/s` }));
  const temps = Object.entries(host.temps ?? {}).map(([label, celsius]) => ({ label, key: `temp.${label}.c`,
    text: `${Math.round(celsius)} °C` }));
  return [...temps, ...nets];
}

// Shown among the machines alone: beside the generations there is no room.
function sensors(host) {
  const node = h("div.sensors");
  node.update = (record) => {
    const list = view() === "machines" ? sensorsOf(record) : [];
    rows(node, list, ({ key }) => key, () => sensor(host));
    show(node, list.length > 0);
  };
  return node;
}

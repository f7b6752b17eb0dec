// Each machine as bars with their figures; red only where something is wrong.

function meter() {
  const [name, fill, value] = [h("span"), h("i"), h("em")];
  const node = h("div.meter", {}, name, h("div.line", {}, fill), value);
  node.update = ({ label, share, text, tone, wrong, title }) => {
    setText(name, label);
    fill.style.width = `${Math.min(100, Math.max(share > 0 ? 1 : 0, share))}%`;
    setAttr(node, "data-tone", wrong ? "wrong" : tone);
    setText(value, text);
    setAttr(node, "title", title ?? `${label} ${text}`);
  };
  return node;
}

function share(part, whole) {
  return whole ? (100 * part) / whole : 0;
}

function gpuMeters(gpu, many) {
  const n = many ? ` ${gpu.index}` : "";
  const meters = [];
  if (Number.isFinite(gpu.vram_total_bytes)) {
    meters.push({ key: `vram${n}`, label: `VRAM${n}`, tone: "vram", share: share(gpu.vram_used_bytes,
      gpu.vram_total_bytes),
      text: ofBytes(gpu.vram_used_bytes, gpu.vram_total_bytes), title: gpu.name });
  }
  if (Number.isFinite(gpu.util_percent)) {
    meters.push({ key: `gpu${n}`, label: `GPU${n}`, tone: "gpu", share: gpu.util_percent,
      text: percent(gpu.util_percent), title: gpu.name });
  }
  return meters;
}

function meters(host) {
  const cores = host.cores_percent.length;
  const list = host.gpus.flatMap((gpu) => gpuMeters(gpu, host.gpus.length > 1));
  list.push({ key: "cpu", label: "CPU", tone: "cpu", share: host.cpu_percent,
    text: `${percent(host.cpu_percent)}${cores ? ` · ${cores} c` : ""}`,
    title: `CPU ${percent(host.cpu_percent)}${host.load.length ? ` · load ${host.load.map((x) => x.toFixed(2)).join(" ")}` : ""}` });
  const memory = share(host.memory_used_bytes, host.memory_total_bytes);
  list.push({ key: "memory", label: "RAM", tone: "memory", share: memory, wrong: memory > 95,
    text: ofBytes(host.memory_used_bytes, host.memory_total_bytes) });
  const swap = share(host.swap_used_bytes, host.swap_total_bytes);
  if (swap > 1) list.push({ key: "swap", label: "swap", tone: "memory", share: swap, wrong: swap > 80,
    text: ofBytes(host.swap_used_bytes, host.swap_total_bytes) });
  for (const disk of host.disks) {
    const used = share(disk.used_bytes, disk.total_bytes);
    list.push({ key: `disk ${disk.mount}`, label: host.disks.length > 1 ? disk.mount : "disk", tone: "disk",
      share: used,
      wrong: used > 90, text: `${bytes(disk.free_bytes)} free`,
      title: `${disk.mount} · read ${bytes(disk.read_bytes_per_s)}/s · write ${bytes(disk.write_bytes_per_s)}/s` });
  }
  return list;
}

function details(host) {
  const lines = [`network ↓ ${bytes(host.net_received_bytes_per_s)}/s ↑ ${bytes(host.net_sent_bytes_per_s)}/s`];
  const [disk] = host.disks;
  if (disk) lines.push(`disk ↓ ${bytes(disk.read_bytes_per_s)}/s ↑ ${bytes(disk.write_bytes_per_s)}/s`);
  if (host.connections !== null) lines.push(`${host.connections} connections`);
  for (const process of host.processes) {
    lines.push(`${process.name} ${process.cpu_percent.toFixed(0)} % · ${bytes(process.memory_bytes)}`);
  }
  return lines;
}

function heat(host) {
  const [gpu] = host.gpus;
  if (!gpu) return host.uptime_s ? `up ${span(host.uptime_s)}` : "";
  return [[gpu.temp_c, "°C"], [gpu.power_w, "W"]].filter(([x]) => Number.isFinite(x)).map(([x,
    u]) => `${Math.round(x)} ${u}`).join(" · ");
}

function cores() {
  const node = h("div.cores", { "aria-hidden": "true" });
  const make = () => {
    const core = h("i");
    core.update = ([, load]) => core.style.setProperty("--load", String(load / 100));
    return core;
  };
  node.update = (loads) => {
    rows(node, loads.map((load, n) => [n, load]), ([n]) => n, make);
    setAttr(node, "title", `${loads.length} cores`);
    show(node, loads.length > 1);
  };
  return node;
}

function textRow() {
  const node = h("span");
  node.update = ([, text]) => setText(node, text);
  return node;
}

function machine(feed, name) {
  const [title, model, right] = [h("b", {}, name), h("span.quiet"), h("small")];
  const bars = h("div");
  const coreBox = cores();
  const why = h("p.reason");
  const facts = h("div.details");
  const node = h("div.machine", { data: { testid: "machine", host: name } }, h("div.head", {}, title, model, right),
    bars, coreBox, why, facts);
  node.tick = () => {
    const host = feed.board.get("hosts", name);
    if (!host) return;
    const silent = feed.now() / 1000 - host.at_s > 10 + 2 * host.period_s;
    node.classList.toggle("silent", silent);
    setText(right, silent ? `silent for ${span(feed.now() / 1000 - host.at_s)}` : heat(host));
  };
  node.update = (host) => {
    setText(model, host.gpus.map((gpu) => gpu.name.replace(/^(NVIDIA|AMD) (GeForce |Radeon )?/, "")).join(", ")
      || host.os);
    rows(bars, meters(host), (item) => item.key, meter);
    coreBox.update(host.cores_percent);
    const reasons = [host.gpus.length ? "" : host.gpu_reason, ...host.gpus.map((gpu) => gpu.reason)].filter(Boolean);
    setText(why, reasons.join(" "));
    show(why, reasons.length > 0);
    rows(facts, details(host).map((text, n) => [n, text]), ([n]) => n, textRow);
    node.tick();
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch, tick } = frame(model, el);
  const list = h("div");
  const empty = h("p.empty", {}, "No machine has reported yet.");
  el.append(h("section.card", { "aria-label": "Machines", data: { testid: "machines" } }, h("div.label", {}, h("h2",
    {}, "Machines")), list, empty));
  watch(["hosts"], (changed) => {
    const hosts = [...feed.board.all("hosts").values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    rows(list, hosts, (host) => host.name, (host) => machine(feed, host.name),
      (host) => changed.get("hosts")?.has(host.name));
    show(empty, !hosts.length);
  });
  tick(() => [...list.children].forEach((node) => node.tick()));
}

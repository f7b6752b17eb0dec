// Each machine as bars with their figures; amber where memory or a disk is nearly full. A busy processor is no trouble.

const FULL = 90;

// On a page with views a meter is a button that opens its figure over time.
function meter(host) {
  const [name, fill, value] = [h("span"), h("i"), h("em")];
  const parts = [name, h("span.line", {}, fill), value];
  const node = view() === "all" ? h("div.meter", {}, ...parts)
    : h("button.meter", { type: "button", onclick: () => overTime(host, node.figure) }, ...parts);
  node.update = ({ label, share, text, tone, full, title, figure }) => {
    node.figure = figure;
    setText(name, label);
    fill.style.width = `${Math.min(100, Math.max(share > 0 ? 1 : 0, share))}%`;
    setAttr(node, "data-tone", full && share > FULL ? "full" : tone);
    setText(value, text);
    setAttr(node, "title", title ?? `${label} ${text}`);
  };
  return node;
}

function share(part, whole) {
  return whole ? (100 * part) / whole : 0;
}

// A unified GPU (an APU) works in the system's memory too, in its GTT: its VRAM alone says nothing.
function gpuMemory(gpu) {
  const of = (vram, gtt) => Number.isFinite(vram) ? vram + (gpu.unified && gtt || 0) : vram;
  return [of(gpu.vram_used_bytes, gpu.gtt_used_bytes), of(gpu.vram_total_bytes, gpu.gtt_total_bytes)];
}

// What slows a GPU down and how warm it is, for whoever looks closer.
function gpuTitle(gpu) {
  const parts = [gpu.name];
  for (const [x, unit] of [[gpu.temp_c, "°C"], [gpu.power_w, "W"]]) {
    if (Number.isFinite(x)) parts.push(`${Math.round(x)} ${unit}`);
  }
  if (gpu.throttle?.length) parts.push(`throttled: ${gpu.throttle.join(", ")}`);
  return parts.join(" · ");
}

function gpuMeters(gpu, many) {
  const n = many ? ` ${gpu.index}` : "";
  const meters = [];
  const [used, total] = gpuMemory(gpu);
  if (gpu.lost_s || gpu.asleep) {
    meters.push({ key: `away${n}`, label: `GPU${n}`, tone: "gpu", share: 0, title: `${gpu.name}: ${gpu.reason}`,
      text: gpu.asleep ? "asleep" : `lost at ${clock(gpu.lost_s * 1000)}` });
  } else if (Number.isFinite(total)) {
    const known = Number.isFinite(used);
    meters.push({ key: `vram${n}`, label: `VRAM${n}`, figure: `gpu.${gpu.index}.vram_used_bytes`, tone: "vram",
      full: true, share: known ? share(used, total) : 0, text: known ? ofBytes(used, total) : `? / ${bytes(total)}`,
      title: gpuTitle(gpu) });
  }
  if (Number.isFinite(gpu.util_percent)) {
    meters.push({ key: `gpu${n}`, label: `GPU${n}`, figure: `gpu.${gpu.index}.util_percent`, tone: "gpu", share: gpu.util_percent,
      text: percent(gpu.util_percent), title: gpuTitle(gpu) });
  }
  return meters;
}

// A mount is known by its last part: the first ones are alike.
function nameOf(mount) {
  return mount.split(/[/\\]/).filter(Boolean).at(-1) ?? mount;
}

function meters(host) {
  const list = host.gpus.flatMap((gpu) => gpuMeters(gpu, host.gpus.length > 1));
  list.push({ key: "cpu", label: "CPU", figure: "cpu.percent", tone: "cpu", share: host.cpu_percent,
    text: percent(host.cpu_percent),
    title: `CPU ${percent(host.cpu_percent)}${host.load.length ? ` · load ${host.load.map((x) => x.toFixed(2)).join(" ")}` : ""}` });
  const memory = share(host.memory_used_bytes, host.memory_total_bytes);
  list.push({ key: "memory", label: "RAM", figure: "memory.used_bytes", tone: "memory", share: memory, full: true,
    text: ofBytes(host.memory_used_bytes, host.memory_total_bytes) });
  const swap = share(host.swap_used_bytes, host.swap_total_bytes);
  if (swap > 1) list.push({ key: "swap", label: "swap", figure: "swap.used_bytes", tone: "memory", share: swap, full: true,
    text: ofBytes(host.swap_used_bytes, host.swap_total_bytes) });
  for (const disk of host.disks) {
    const used = share(disk.used_bytes, disk.total_bytes);
    list.push({ key: `disk ${disk.mount}`, label: host.disks.length > 1 ? nameOf(disk.mount) : "disk", tone: "disk",
      figure: `disk.${disk.mount}.used_bytes`, share: used, full: true, text: `${bytes(disk.free_bytes)} free`,
      title: `${disk.mount} · read ${bytes(disk.read_bytes_per_s)}/s · write ${bytes(disk.write_bytes_per_s)}/s` });
  }
  return list;
}

function details(host) {
  const lines = [`network ↓ ${bytes(host.net_received_bytes_per_s)}/s ↑ ${bytes(host.net_sent_bytes_per_s)}/s`];
  const [disk] = host.disks;
  if (disk) lines.push(`disk ↓ ${bytes(disk.read_bytes_per_s)}/s ↑ ${bytes(disk.write_bytes_per_s)}/s`);
  if (host.connections !== null) lines.push(`${host.connections} connections`);
  return lines;
}

// Processes on the machine, those of one engine or name together.
function processes(list) {
  const found = new Map();
  for (const { name, engine, cpu_percent: cpu, memory_bytes: memory, vram_bytes: vram } of list) {
    const key = engine || name;
    const sum = found.get(key) ?? { name: key, count: 0, cpu: 0, memory: 0, vram: 0 };
    found.set(key, { name: key, count: sum.count + 1, cpu: sum.cpu + cpu, memory: sum.memory + memory,
      vram: sum.vram + (vram ?? 0) });
  }
  return [...found.values()].map(({ name, count, cpu, memory, vram }) =>
    `${name}${count > 1 ? ` × ${count}` : ""}: ${cpu.toFixed(0)} % CPU, ${bytes(memory)}${vram ? `, ${bytes(vram)} VRAM` : ""}`);
}

function heat(host) {
  const [gpu] = host.gpus;
  if (!gpu) return host.uptime_s ? `up ${span(host.uptime_s)}` : "";
  return [[gpu.temp_c, "°C"], [gpu.power_w, "W"]].filter(([x]) => Number.isFinite(x)).map(([x,
    u]) => `${Math.round(x)} ${u}`).join(" · ");
}

function cores() {
  const label = h("span");
  const blocks = h("div.blocks", { "aria-hidden": "true" });
  const node = h("div.cores", {}, h("span", {}, "cores"), blocks, label);
  const make = () => {
    const core = h("i");
    core.update = ([, load]) => core.style.setProperty("--load", String(load / 100));
    return core;
  };
  node.update = (loads) => {
    setText(label, `${loads.length} cores`);
    rows(blocks, loads.map((load, n) => [n, load]), ([n]) => n, make);
    setAttr(node, "title", `Each core's load: ${loads.map((load) => percent(load)).join(", ")}`);
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
  const sensed = sensors(name);
  const why = h("p.reason");
  const facts = h("div.details");
  const own = h("div.details");
  const ownBox = h("div.own", {}, h("small", {}, "echodeck here"), own);
  const engines = h("div.details");
  const enginesBox = h("div.own", {}, h("small", {}, "Generating here"), engines);
  const forget = h("button.small", { type: "button", title: "Take it off the list; its jobs and figures stay",
    data: { testid: "machine-forget" }, onclick: () => act(feed, forget, "forget_host", { host: name }) }, "Forget");
  const node = h("div.machine", { data: { testid: "machine", host: name } }, h("div.head", {}, title, model, right,
    forget),
    bars, coreBox, why, facts, sensed, enginesBox, ownBox);
  node.tick = () => {
    const host = feed.board.get("hosts", name);
    if (!host) return;
    const silent = feed.now() / 1000 - host.at_s > 10 + 2 * host.period_s;
    node.classList.toggle("silent", silent);
    show(forget, silent);
    setText(right, silent ? `silent for ${span(feed.now() / 1000 - host.at_s)}` : heat(host));
  };
  node.update = (host) => {
    setText(model, host.gpus.map((gpu) => gpu.name.replace(/^(NVIDIA|AMD) (GeForce |Radeon )?/, "")).join(", ")
      || host.os);
    rows(bars, meters(host), (item) => item.key, () => meter(name));
    sensed.update(host);
    coreBox.update(host.cores_percent);
    const reasons = [host.gpus.length ? "" : host.gpu_reason, ...host.gpus.map((gpu) => gpu.reason)].filter(Boolean);
    setText(why, reasons.join(" "));
    show(why, reasons.length > 0);
    rows(facts, details(host).map((text, n) => [n, text]), ([n]) => n, textRow);
    rows(engines, processes(host.generators ?? []).map((text, n) => [n, text]), ([n]) => n, textRow);
    show(enginesBox, (host.generators ?? []).length > 0);
    rows(own, processes(host.processes).map((text, n) => [n, text]), ([n]) => n, textRow);
    show(ownBox, host.processes.length > 0);
    node.tick();
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch, tick, hear } = frame(model, el);
  const list = h("div");
  const empty = h("p.empty", {}, "No machine has reported yet.");
  el.append(h("section.card", { "aria-label": "Machines", data: { testid: "machines" } }, h("div.label", {}, h("h2",
    {}, "Machines")), list, empty));
  const draw = (changed) => {
    const hosts = [...feed.board.all("hosts").values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    rows(list, hosts, (host) => host.name, (host) => machine(feed, host.name),
      (host) => !changed || changed.get("hosts")?.has(host.name));
    show(empty, !hosts.length);
  };
  watch(["hosts"], draw);
  hear("echodeck-view", () => draw());
  tick(() => [...list.children].forEach((node) => node.tick()));
}

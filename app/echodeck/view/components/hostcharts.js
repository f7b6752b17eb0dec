// The streaming plots of every machine there is. Python cannot know which there will be, so it sends each chart once as
// a pattern, and a copy is made for each machine (and each of its GPUs) as it appears.

function copyFor(chart, pattern, host, index) {
  const name = JSON.stringify(host.name).slice(1, -1);
  const copy = JSON.parse(JSON.stringify(chart).replaceAll(pattern, name).replaceAll(`"gpus.0.`, `"gpus.${index}.`));
  if (index || chart.name.startsWith("gpu")) copy.title = host.gpus[index]?.name ?? copy.title;
  return copy;
}

function chartsOf(host, model) {
  const { system, gpu, network, disk } = model.patterns;
  const list = [["system", system, 0], ...host.gpus.map((_, n) => [`gpu${n}`, gpu, n]), ["network", network, 0]];
  if (host.disks.length) list.push(["disk", disk, 0]);
  return list.map(([key, chart, index]) => ({ key: `${host.name} ${key}`, chart, host, index }));
}

// What each machine said in the last minutes, by its name: a plot does not begin with the page's opening.
async function recall(feed) {
  try {
    return (await feed.fetch("/api/hosts/recent"))?.hosts ?? {};
  } catch (error) {
    console.info("echodeck: the plots begin now", error);
    return {};
  }
}

export function render({ model, el }) {
  const { feed, watch, hear } = frame(model, el);
  const list = h("div.plots");
  const section = h("section.card", { "aria-label": "The last ten minutes", data: { testid: "plots" } },
    h("div.label", {}, h("h2", {}, "The last ten minutes")), list);
  el.append(section);
  const kept = new Map();
  let past = null; // asked for when the first machine is known, so once the hub can be reached
  // Beside the generations there is room for what matters most.
  const choose = () => kept.forEach((node, key) => show(node, view() !== "now" || /(system|gpu\d+)$/.test(key)));
  hear("echodeck-view", choose);
  hear("echodeck-theme", () => kept.forEach((node) => node.tint?.()));
  watch(["hosts"], () => {
    const hosts = [...feed.board.all("hosts").values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const items = hosts.flatMap((host) => chartsOf(host, model));
    for (const [key, node] of kept) {
      if (items.some((item) => item.key === key)) continue;
      node.end();
      node.remove();
      kept.delete(key);
    }
    for (const { key, chart, host, index } of items) {
      if (kept.has(key)) continue;
      const copy = copyFor(chart, model.pattern, host, index);
      if (hosts.length > 1) copy.title = `${host.name} · ${copy.title}`;
      past ??= recall(feed);
      const node = plot(copy, feed, past.then((recent) => recent[host.name]));
      kept.set(key, node);
      list.append(node);
    }
    choose();
    show(section, items.length > 0);
  });
  model.on("remove", () => kept.forEach((node) => node.end()));
}

// The names of the figures that are kept of a machine: of what each is, and in which unit it is read.

// Every key parts at its first and its last dot, so the middle may be any text: disk./home.used_bytes
function partsOf(key) {
  const [first, last] = [key.indexOf("."), key.lastIndexOf(".")];
  return { scope: key.slice(0, first), which: first === last ? "" : key.slice(first + 1, last), name: key.slice(last + 1) };
}

// What the machine has several of, under the name that people know it by.
function thingOf(key, host) {
  const { scope, which } = partsOf(key);
  const gpu = host?.gpus.find(({ index }) => String(index) === which);
  return { disk: `Disk ${which}`, net: `Interface ${which}`, gpu: `GPU ${which}${gpu ? ` · ${gpu.name}` : ""}`,
    temp: "Temperatures", network: "Network, all of it", cpu: "Processor", memory: "Memory", swap: "Memory" }[scope] ?? scope;
}

function titleOf(key, metrics) {
  const { scope, which, name } = partsOf(key);
  const label = (metrics[`${scope}.${name}`] ?? name).replace(/^interface /, ""); // its group says so
  return scope === "temp" ? which : `${label[0].toUpperCase()}${label.slice(1)}`;
}

// The figures of a machine as [what it is, [[key, title], ...]], graphics first.
function groupsOf(keys, metrics, host) {
  const order = ["gpu", "cpu", "memory", "swap", "temp", "disk", "network", "net"];
  const rank = (key) => order.indexOf(partsOf(key).scope);
  const groups = new Map();
  for (const key of keys.toSorted((a, b) => rank(a) - rank(b))) {
    const thing = thingOf(key, host);
    groups.set(thing, [...groups.get(thing) ?? [], [key, titleOf(key, metrics)]]);
  }
  return [...groups];
}

// The unit that suits the greatest value, and what a value is divided by for it.
function scaleOf(unit, greatest) {
  if (!unit.startsWith("B")) return [unit, 1];
  const per = unit.slice(1);
  const text = bytes(Math.max(1, greatest)).split(" ")[1];
  return [`${text}${per}`, 1024 ** ["B", "KB", "MB", "GB", "TB"].indexOf(text)];
}

// Rows of [time, least, mean, greatest] as a chart's columns. Where nothing was measured for long the line breaks, and
// the band, which cannot, has no height.
function columnsOf(rows, scale, gapS) {
  const columns = { time: [], low: [], mean: [], high: [] };
  const add = (at, low, mean, high) => {
    columns.time.push(asMoment(at));
    columns.low.push(low / scale);
    columns.mean.push(mean / scale);
    columns.high.push(high / scale);
  };
  rows.forEach(([at, low, mean, high], n) => {
    const [before, , last] = rows[n - 1] ?? [at];
    if (at - before > gapS) {
      add(before + 0.001, last, NaN, last);
      add(at - 0.001, mean, NaN, mean);
    }
    add(at, low, mean, high);
  });
  return columns;
}

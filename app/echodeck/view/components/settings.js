// The settings of an engine as fields: its models, samplers, numbers, and what only it knows.

const LABELS = { width: "Width", height: "Height", steps: "Steps", seed: "Seed", batch: "Batch", frames: "Frames" };
// What a message to the hub has room for, as characters of a data URL.
const MOST_PICTURE = 700000;

function dice(param) {
  const span = Math.min(param.maximum, 2 ** 31 - 1) - param.minimum + 1;
  return param.minimum + Math.floor(Math.random() * span);
}

function paramField(param, kept) {
  const isSeed = param.name === "seed";
  const value = kept ?? (isSeed ? dice(param) : param.default);
  const made = wholeField(param.name, LABELS[param.name] ?? param.name, value, param,
    isSeed ? [diceFor(() => made.control, () => dice(param))] : []);
  return made;
}

function decimalField(name, label, value, { minimum, maximum, step }) {
  const control = number(value, minimum ?? undefined, maximum ?? undefined, step ?? "any");
  const bounds = [minimum !== null && `from ${minimum}`, maximum !== null && `to ${maximum}`].filter(Boolean).join(" ");
  const wrong = () => {
    const given = control.value.trim() === "" ? NaN : Number(control.value);
    const fine = Number.isFinite(given) && given >= (minimum ?? -Infinity) && given <= (maximum ?? Infinity);
    return fine ? "" : `${label}: give a number ${bounds}`.trim();
  };
  return field(name, label, control, { wrong, read: () => Number(control.value) });
}

// A picture as a data URL that fits into a message: drawn again as JPEG, smaller if need be, where the file is larger.
async function pictureUrl(file) {
  if (file.size * 1.34 < MOST_PICTURE && /^image\/(png|jpeg|webp)$/.test(file.type)) return dataUrl(file);
  const bitmap = await createImageBitmap(file);
  for (let scale = 1; scale > 0.05; scale *= 0.8) {
    const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
    const canvas = h("canvas", { width, height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0, width, height);
    const url = canvas.toDataURL("image/jpeg", 0.92);
    if (url.length < MOST_PICTURE) return url;
  }
  throw new Error("The picture cannot be made small enough to be sent.");
}

// A path on the engine's machine, or a picture from this one.
function imageField(name, label, value) {
  const control = h("input", { value, placeholder: "none; a path on the engine's machine, or choose one" });
  const chooser = h("input", { type: "file", accept: "image/*", hidden: true });
  const button = h("button.small", { type: "button", onclick: () => chooser.click() }, "Choose…");
  let picture = null; // what was chosen; what is typed afterwards stands in its place
  const made = field(name, label, control, { extra: [button, chooser], read: () => picture?.url ?? control.value });
  made.node.classList.add("wide");
  made.raw = () => (picture ? "" : control.value);
  control.addEventListener("input", () => { picture = null; });
  chooser.addEventListener("change", async () => {
    const [file] = chooser.files;
    if (!file) return;
    try {
      picture = { url: await pictureUrl(file) };
      control.value = file.name;
      setText(made.problem, "");
    } catch (error) {
      setText(made.problem, `${file.name}: ${error.message}`);
    }
  });
  return made;
}

function optionField(option, kept) {
  const name = `options.${option.name}`;
  const label = option.label || option.name;
  const value = kept ?? option.default;
  if (option.kind === "number") return decimalField(name, label, value, option);
  if (option.kind === "flag") return flagField(name, label, value);
  if (option.kind === "image") return imageField(name, label, value);
  if (option.kind === "choice") return selectField(name, label, option.choices.map((one) => [one, one]), value);
  const made = field(name, label, h("textarea.line", { rows: 1, value }));
  made.node.classList.add("wide");
  return made;
}

// What of an engine decides its fields: as long as it is the same, what people are typing is left alone.
function settingsKey({ name, models, samplers, schedulers, params, options: known, workflows }) {
  return JSON.stringify([name, models, samplers, schedulers, params, known, workflows]);
}

// The fields of an engine in three groups: choices, whole numbers, further options. `kept` has what was put in before.
function settingsOf(info, kept) {
  const choice = (name, label, pairs) => (pairs.length ? [selectField(name, label, pairs, kept.get(name))] : []);
  return {
    choices: [
      ...choice("model", "Model", info.models.map((m) => [m.name, m.label || m.name, m.note])),
      ...choice("sampler", "Sampler", info.samplers.map((name) => [name, name])),
      ...choice("scheduler", "Scheduler", info.schedulers.map((name) => [name, name])),
    ],
    numbers: info.params.map((param) => paramField(param, kept.get(param.name))),
    further: info.options.map((option) => optionField(option, kept.get(`options.${option.name}`))),
  };
}

// A workflow as a job: dropped or chosen, read by the hub, its inputs as fields. Only what a person changed is sent.

// The texts of a PNG come before its pixels.
const HEAD_BYTES = 512 * 1024;
const PNG = 0x89;
const SEEDS = ["seed", "noise_seed"];
// As far as ComfyUI's own page rolls them.
const MOST_SEED = 2 ** 50;

function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

// What the hub is asked about a file: the beginning of a picture, or the whole of a text.
async function contentOf(file) {
  const [first] = new Uint8Array(await file.slice(0, 1).arrayBuffer());
  if (first !== PNG) return { text: await file.text() };
  return { data: (await dataUrl(file.slice(0, HEAD_BYTES))).split(",")[1] };
}

// What is wrong with a number that was put in, in words, or "".
function wrongIn(kind, text) {
  if (kind === "int") return /^\s*-?\d+\s*$/.test(text) ? "" : "give a whole number";
  return kind !== "float" || (text.trim() && Number.isFinite(Number(text))) ? "" : "give a number";
}

// As the hub is to have it: a whole number of more digits than a browser's numbers have goes as text.
function valueIn(kind, raw) {
  if (kind === "int") return Number.isSafeInteger(Number(raw)) ? Number(raw) : raw.trim();
  return kind === "float" ? Number(raw) : raw;
}

function controlFor({ kind, value, usual }) {
  if (kind === "flag") return h("input", { type: "checkbox", checked: value });
  if (kind === "text") return usual && /\s|^$/.test(value) ? h("textarea", { rows: 2, value }) : h("input", { value });
  if (typeof value === "string") return h("input", { inputMode: "numeric", value });
  return number(value, undefined, undefined, kind === "int" ? 1 : "any");
}

function inputField(item) {
  const control = controlFor(item);
  const words = [item.input.replaceAll("_", " "), item.title];
  if (control.tagName === "TEXTAREA") words.reverse(); // texts are told apart by their nodes
  const label = h("span.of", { title: words.join(" · ") }, h("b", {}, words[0]), h("span", {}, words[1]));
  const extra = SEEDS.includes(item.input) ? [diceFor(() => control, () => Math.floor(Math.random() * MOST_SEED))] : [];
  const made = field(`values.${item.node}.${item.input}`, label, control, { extra });
  const before = made.raw();
  const same = () => made.raw() === before;
  made.read = () => (same() ? undefined : valueIn(item.kind, made.raw()));
  made.wrong = () => (same() || item.kind === "text" || item.kind === "flag" ? "" : wrongIn(item.kind, made.raw()));
  made.node.classList.toggle("wide", control.tagName === "TEXTAREA");
  made.node.classList.toggle("flag", item.kind === "flag");
  return made;
}

function foundIn({ facts, nodes, inputs }) {
  const seeded = inputs.some(({ input }) => SEEDS.includes(input));
  return [facts.model, facts.loras.length ? `${facts.loras.length} LoRA${facts.loras.length > 1 ? "s" : ""}` : "",
    size(facts), facts.steps && `${facts.steps} steps`, method(facts), seeded && `seed ${facts.seed}`,
    `${nodes} node${nodes === 1 ? "" : "s"}`].filter(Boolean).join(" · ");
}

// `node.text` is the workflow as it will be sent ("" without one), `node.fields` are those of its inputs.
function workflowBox(feed) {
  const chooser = h("input", { type: "file", accept: ".json,.png,application/json,image/png", hidden: true,
    data: { testid: "submit-workflow-file" } });
  const button = h("button.small", { type: "button", onclick: () => chooser.click() }, "Choose a file…");
  const whole = field("workflow", "Workflow", button);
  const [name, found, usual, rest] = [h("b.name"), h("small"), h("div.inputs"), h("div.inputs")];
  const all = h("details.all-inputs", { data: { testid: "submit-all-inputs" } }, h("summary"), rest);
  const hint = h("small", {}, "Drop a workflow here: JSON in API format, or a picture that ComfyUI saved");
  const zone = h("div.drop", { data: { testid: "submit-drop" } }, h("div.names", { "aria-live": "polite" }, name,
    found, hint), button, chooser);
  const node = h("div.workflow", {}, zone, whole.problem, usual, all);
  Object.assign(node, { text: "", fields: [], whole, button });
  let turn = 0;

  function draw(file, result) {
    node.text = result?.text ?? "";
    const inputs = (result?.inputs ?? []).map((item) => ({ item, made: inputField(item) }));
    node.fields = inputs.map(({ made }) => made);
    const of = (wanted) => inputs.filter(({ item }) => item.usual === wanted).map(({ made }) => made.node);
    usual.replaceChildren(...of(true));
    rest.replaceChildren(...of(false));
    setText(all.firstChild, `${rest.children.length} further inputs`);
    show(all, rest.children.length > 0);
    setText(name, result ? file.name : "");
    setText(found, result ? foundIn(result) : "");
    show(hint, !result);
    setText(button, result ? "Another file…" : "Choose a file…");
    setAttr(zone, "data-state", result ? "read" : "empty");
  }

  node.take = async (file) => {
    const mine = (turn += 1);
    setText(whole.problem, "");
    setText(hint, `Reading ${file.name}…`);
    try {
      const result = await feed.call("read_workflow", await contentOf(file));
      if (mine === turn) draw(file, result);
    } catch (error) {
      if (mine !== turn) return;
      draw(file, null);
      setText(whole.problem, `${file.name}: ${(error.message ?? String(error)).replace(/^workflow: /, "")}`);
    } finally {
      if (mine === turn) setText(hint, "Drop a workflow here: JSON in API format, or a picture that ComfyUI saved");
    }
  };
  node.reveal = ({ node: inner }) => { all.open ||= rest.contains(inner); };
  chooser.addEventListener("change", () => chooser.files[0] && node.take(chooser.files[0]));
  draw(null, null);
  return node;
}

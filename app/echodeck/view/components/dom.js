// Elements without innerHTML: whatever people type reaches the page as text.

const SVG = "http://www.w3.org/2000/svg";

// h("button.btn", { title: "…", onclick: f, data: { testid: "x" } }, child, "text")
function h(name, props = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "data") Object.assign(node.dataset, value);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node && !key.startsWith("aria")) node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function svg(name, props = {}, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(props)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const ICONS = {
  pause: "M5 3.5h2v9H5zM9 3.5h2v9H9z", resume: "M5 3l8 5-8 5z",
  cancel: "M4.2 3.1 8 6.9l3.8-3.8 1.1 1.1L9.1 8l3.8 3.8-1.1 1.1L8 9.1l-3.8 3.8-1.1-1.1L6.9 8 3.1 4.2z",
  up: "M8 3.2 12.6 8l-1.1 1.1-2.7-2.8V13H7.2V6.3L4.5 9.1 3.4 8z",
  down: "M8 12.8 3.4 8l1.1-1.1 2.7 2.8V3h1.6v6.7l2.7-2.8L12.6 8z",
  top: "M3.5 2.5h9v1.6h-9zM8 5.2l4.4 4.6-1.1 1.1-2.5-2.6v5.2H7.2V8.3l-2.5 2.6-1.1-1.1z",
  retry: "M8 3a5 5 0 1 1-4.8 6.4l1.5-.5A3.4 3.4 0 1 0 5.3 6H7.5v1.6H2.6V2.7h1.6v2A5 5 0 0 1 8 3z",
  remove: "M6 2.5h4l.6 1H13V5H3V3.5h2.4zM4 6h8l-.6 7.5H4.6z",
  check: "M6.4 11.9 2.8 8.3l1.1-1.1 2.5 2.5 5.7-5.7 1.1 1.1z",
  save: "M7.2 2.5h1.6v5.8l2.1-2.1L12 7.3l-4 4-4-4 1.1-1.1 2.1 2.1zM3 12.2h10v1.5H3z",
  dice: "M3 3h10v10H3zm1.5 1.5v7h7v-7zM6 6h1.4v1.4H6zm2.6 2.6H10V10H8.6zM8.6 6H10v1.4H8.6zM6 8.6h1.4V10H6z",
  theme: "M8 2a6 6 0 1 0 0 12zm0-1.4a7.4 7.4 0 1 1 0 14.8A7.4 7.4 0 0 1 8 .6z",
  skip: "M3 3.2 8.8 8 3 12.8zM8.6 3.2 14 8l-5.4 4.8z",
  image: "M2.5 3h11v10h-11zm1.5 1.5v5.6l2.6-2.7 2.3 2.4 1.6-1.5 1.5 1.4V4.5zM10 5.4h1.5v1.5H10z",
  video: "M2 3.8h8.6v8.4H2zM11.8 7l2.7-1.9v5.8L11.8 9z",
  audio: "M6 3.4 13 2v8.6a1.9 1.9 0 1 1-1.4-1.8V5L7.4 5.9v6.3A1.9 1.9 0 1 1 6 10.4z",
  file: "M3.5 1.8h6l3 3v9.4h-9zm1.5 1.5v9.4h6V6H8.3V3.3z",
  bell: "M7.2 1.5h1.6v1A4.6 4.6 0 0 1 12.6 7v3.4l1.2 1.5v.8H2.2v-.8l1.2-1.5V7a4.6 4.6 0 0 1 3.8-4.5z"
    + "M6.2 13.4h3.6a1.8 1.8 0 0 1-3.6 0z",
  plus: "M7.2 3h1.6v4.2H13v1.6H8.8V13H7.2V8.8H3V7.2h4.2z",
};

function icon(name) {
  return svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", "fill-rule": "evenodd" },
    svg("path", { d: ICONS[name] }));
}

// The project's mark, for where a picture is not there yet.
function mark() {
  return svg("svg", { viewBox: "0 0 24 24", class: "mark", "aria-hidden": "true" },
    svg("circle", { cx: 12, cy: 12, r: 3, class: "core" }), svg("path",
      { d: "M5.6 5.6a9 9 0 0 0 0 12.8M18.4 5.6a9 9 0"
      + " 0 1 0 12.8M8.5 8.5a5 5 0 0 0 0 7M15.5 8.5a5 5 0 0 1 0 7" }));
}

// A button with an icon; its name is for screen readers and the tooltip.
function iconButton(name, label, testid, act, extra = "") {
  return h(`button.icon${extra}`, { type: "button", title: label, "aria-label": label, data: { testid },
    onclick: act },
    icon(name));
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setAttr(node, name, value) {
  const text = String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

function show(node, yes) {
  if (node.hidden === yes) node.hidden = !yes;
}

// Makes the children of `box` be one element per item, in order, touching only what differs. `make(item)` gives an
// element whose `update(item)` draws it; `stale(item)` says whether to. Focus survives a move.
function rows(box, items, keyOf, make, stale = () => true) {
  const kept = (box.keyed ??= new Map());
  const wanted = new Set(items.map(keyOf));
  const focused = box.getRootNode().activeElement;
  for (const [key, node] of kept) {
    if (wanted.has(key)) continue;
    kept.delete(key);
    node.remove();
  }
  items.forEach((item, place) => {
    const key = keyOf(item);
    let node = kept.get(key);
    const fresh = !node;
    if (fresh) kept.set(key, (node = make(item)));
    if (fresh || stale(item)) node.update(item, place);
    if (box.children[place] !== node) box.insertBefore(node, box.children[place] ?? null);
  });
  if (focused && focused !== box.getRootNode().activeElement && box.contains(focused)) focused.focus();
}

// A sentence at the foot of the page for some seconds.
function say(text) {
  let box = document.getElementById("echodeck-say");
  if (!box) {
    box = h("div", { id: "echodeck-say", role: "status", "aria-live": "polite" });
    document.body.append(box);
  }
  box.textContent = text;
  box.classList.add("on");
  clearTimeout(box.timer);
  box.timer = setTimeout(() => box.classList.remove("on"), 7000);
}

// A component's frame: the shared style in its shadow root, its feed, and an end to its watches when it goes.
function frame(model, el) {
  const feed = feedOf(model.feed);
  const offs = [];
  dress(el.getRootNode());
  model.on("remove", () => offs.splice(0).forEach((off) => off()));
  return {
    feed,
    watch: (kinds, draw) => offs.push(feed.watch(kinds, draw)),
    on: (type, listen) => offs.push(feed.on(type, listen)),
    tick: (draw) => offs.push(feed.on("tick", draw)),
    hear: (name, listen) => {
      addEventListener(name, listen);
      offs.push(() => removeEventListener(name, listen));
    },
  };
}

// The style is one sheet for all components: a page brings it in a script tag, elsewhere the Channel does.
function dress(root) {
  window.echodeckSheet ??= new CSSStyleSheet();
  const brought = document.getElementById("echodeck-style");
  if (brought && !window.echodeckSheet.cssRules.length) window.echodeckSheet.replaceSync(brought.textContent);
  if (!root.adoptedStyleSheets.includes(window.echodeckSheet)) root.adoptedStyleSheets.push(window.echodeckSheet);
}

// Which of the page's views is on ("now" where there are no views) and a call when it changes.
function view() {
  return document.documentElement.dataset.view ?? "all";
}

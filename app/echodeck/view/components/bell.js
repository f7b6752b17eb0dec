// The browser's own notifications, for news while nobody looks at the page. Asked for by a press on the bell alone.

const STORED = "echodeck.notifications";
const WANTED = { error: "Errors", warning: "Warnings", ending: "My jobs' ends" };

// Which of them somebody wants; none before that has been said.
function wantedNow() {
  try {
    return JSON.parse(localStorage.getItem(STORED)) ?? {};
  } catch (error) {
    console.info("echodeck: no remembered notifications", error);
    return {};
  }
}

function remember(wanted) {
  try {
    localStorage.setItem(STORED, JSON.stringify(wanted));
  } catch (error) {
    console.info("echodeck: the notifications are not remembered", error);
  }
}

// Why the browser shows none; "" if it does, or can be asked.
function impossible() {
  if (!globalThis.Notification) return "this browser shows notifications only on pages that came over HTTPS";
  return Notification.permission === "denied" ? "the browser does not allow it for this page; its settings can" : "";
}

function notify(news) {
  try {
    const made = new Notification(news.title, { body: news.text, tag: `echodeck-${news.kind}` });
    made.onclick = () => {
      window.focus();
      location.hash = news.view;
      made.close();
    };
  } catch (error) {
    // Chrome on Android has the name, and shows them for service workers only.
    console.info("echodeck: the browser shows no notification", error);
  }
}

// The bell with its menu.
function bell(feed, on, hear) {
  let wanted = wantedNow();
  const menu = h("div.bell-menu", { hidden: true, role: "group", "aria-label": "Notifications of the browser" },
    h("small", {}, "While I look elsewhere, notify me of"));
  const button = iconButton("bell", "Notify me", "bell", () => open(menu.hidden), ".plain");
  const node = h("span.bell", {}, button, menu);
  const light = () => {
    const any = Object.values(wanted).some(Boolean) && !impossible();
    button.classList.toggle("on", any);
    setAttr(button, "aria-expanded", !menu.hidden);
  };
  const open = async (yes) => {
    const why = impossible();
    if (yes && why) return say(`No notifications: ${why}.`);
    show(menu, yes);
    light();
    if (yes && Notification.permission === "default") {
      await Notification.requestPermission();
      if (impossible()) open(false);
    }
  };
  for (const [key, label] of Object.entries(WANTED)) {
    const box = h("input", { type: "checkbox", checked: Boolean(wanted[key]), data: { testid: `bell-${key}` },
      onchange: () => {
        wanted = { ...wanted, [key]: box.checked };
        remember(wanted);
        light();
      } });
    menu.append(h("label", {}, box, label));
  }
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || menu.hidden) return;
    open(false);
    button.focus();
  });
  hear("pointerdown", (event) => event.composedPath().includes(node) || menu.hidden || open(false));
  newsOf(feed, on, (news) => {
    const key = news.kind.startsWith("alert:") ? news.level : "ending";
    if (wanted[key] && document.hidden && !impossible() && Notification.permission === "granted") notify(news);
  });
  light();
  return node;
}

import { refresh } from "./codes.js";
import { by, element, post as ask } from "./common.js";

const post = async (path, body) => (await ask(path, body)).answer;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const good = new Set(["on_lock"]);
const bad = new Set(["failed", "still_on_lock"]);
const quiet = new Set(["expired", "revoked"]);
const cards = new Map();

function card(lock) {
  const node = by("lock").content.firstElementChild.cloneNode(true);
  const title = node.querySelector("h3");
  title.textContent = lock.name;
  title.id = `lock-${cards.size}`;
  node.setAttribute("aria-labelledby", title.id);
  const display = node.querySelector(".display");
  const keys = node.querySelector(".keys");
  let typed = "";
  let timer = 0;
  const show = () => {
    display.className = "display";
    display.value = typed ? "•".repeat(typed.length) : "Type a PIN";
  };
  const press = (digit) => {
    clearTimeout(timer);
    if (typed.length < 10) typed += digit;
    show();
  };
  for (const digit of "123456789") keys.append(element("button", digit));
  keys.append(element("button", "⌫"), element("button", "0"), element("button", "✓"));
  for (const key of keys.children) {
    key.type = "button";
    const digit = key.textContent;
    if (digit === "⌫") {
      key.ariaLabel = "Delete";
      key.onclick = () => { typed = typed.slice(0, -1); show(); };
    } else if (digit === "✓") {
      key.ariaLabel = "Enter";
      key.type = "submit";
    } else {
      key.onclick = () => press(digit);
    }
  }
  const form = node.querySelector("form");
  form.onkeydown = (event) => {
    if (/^\d$/.test(event.key)) press(event.key);
    if (event.key === "Backspace") { typed = typed.slice(0, -1); show(); }
  };
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (!typed) return;
    const pin = typed;
    typed = "";
    const answer = await post("api/keypad", { lock: lock.key, pin });
    display.className = answer.opened ? "display open" : "display shut";
    display.value = answer.opened ? "The door opens" : answer.why ?? answer.detail;
    timer = setTimeout(show, 4000);
    draw();
  };
  for (const button of node.querySelectorAll(".door button")) {
    button.onclick = async () => {
      const answer = await post("api/panel/door", { lock: lock.id, do: button.value });
      node.querySelector(".door-said").textContent = answer.ok ? "" : answer.detail;
      draw();
    };
  }
  node.dataset.key = lock.key;
  by("locks").append(node);
  return node;
}

function doing(lock) {
  if (lock.operating) return "moving";
  if (lock.resync) return `reading again, ${lock.resync[0]} of ${lock.resync[1]}`;
  return lock.bolt === "stuck" ? "the bolt is stuck" : lock.bolt;
}

function drawLock(lock, open) {
  if (!cards.has(lock.key)) cards.set(lock.key, card(lock));
  const node = cards.get(lock.key);
  const silent = lock.reachable === false ? " · does not answer" : "";
  const battery = lock.battery == null ? "" : `${lock.battery_low ? "battery low, " : "battery "}${lock.battery} %`;
  const said = [lock.abilities, doing(lock), battery].filter(Boolean).join(" · ");
  node.querySelector(".abilities").textContent = said + silent;
  node.querySelector(".door").hidden = !open;
  for (const button of node.querySelectorAll(".door button")) {
    button.hidden = button.value !== "resync" && !lock.bolt;
    button.disabled = lock.operating || Boolean(lock.resync);
  }
  const codes = lock.codes.map((code) => {
    const kind = good.has(code.state) ? "good" : bad.has(code.state) ? "bad" : quiet.has(code.state) ? "" : "warn";
    const item = element("li", "", kind);
    item.append(element("b", code.label), code.text);
    return item;
  });
  node.querySelector(".codes").replaceChildren(...(codes.length ? codes : [element("li", "No codes.", "quiet")]));
  const slots = lock.slots.map((slot) => {
    const who = slot.what === "foreign" ? slot.label ?? "not Latchkey's" : slot.label ?? "a code that was revoked";
    const how = slot.what === "kept" ? "kept free" : slot.enabled ? slot.seen : `${slot.seen}, off`;
    return element("li", `${slot.no} · ${who} · ${how}`);
  });
  const free = (lock.slot_count ?? 0) - lock.slots.length;
  node.querySelector(".slots").replaceChildren(...slots, element("li", `${free} free`));
}

function facts(state) {
  const chips = [];
  if (state.paired) {
    chips.push(state.online ? ["Cloud reachable", "good"] : ["Cloud not reachable", "warn"]);
    chips.push(state.clock_trusted ? ["Clock right", "good"] : ["Time unknown", "bad"]);
    if (state.unsent) chips.push(["Events to send", "warn"]);
    if (state.waiting) chips.push([state.refused ? `The cloud does not take changes made here (${state.refused})` : "Changes to send", "warn"]);
  } else {
    chips.push(["Not paired", "warn"]);
  }
  by("facts").replaceChildren(...chips.map(([text, kind]) => element("li", text, `chip ${kind}`)));
}

let shown = "";
async function drawPairing(paired) {
  by("pairing").hidden = true;
  if (paired) return;
  const response = await fetch("api/pairing");
  if (!response.ok) return;
  const code = await response.json();
  by("pairing").hidden = false;
  if (shown === code.text) return;
  shown = code.text;
  by("pair-text").textContent = code.text;
  by("pair-link").href = code.url;
  const old = by("qr").src;
  if (old.startsWith("blob:")) URL.revokeObjectURL(old);
  by("qr").src = URL.createObjectURL(new Blob([code.qr], { type: "image/svg+xml" }));
}

async function draw() {
  try {
    const state = await (await fetch("api/state")).json();
    by("name").textContent = state.name;
    document.title = `${state.name} · Latchkey hub`;
    by("home").textContent = state.home_name ?? "";
    by("network").checked = state.network;
    const alarms = [];
    if (state.alarm === "hub.cloned") alarms.push("Another machine runs with this hub's key. Turn one of them off.");
    else if (state.alarm) alarms.push(`The cloud showed another history than before (${state.alarm}). Nothing of it was taken.`);
    for (const problem of state.config_problems ?? []) alarms.push(`Configuration: ${problem}.`);
    if (state.zone_unknown) alarms.push(`This hub has no rules for the time zone ${state.zone_unknown}: codes with hours do not open. Update the hub.`);
    if (state.removed && !state.leaving) {
      const { holding } = state.removed;
      alarms.push(`This hub was removed from its home. ${holding.length ? `Codes are still on: ${holding.join(", ")}.` : "All codes are off its locks. To pair it again, start it over."}`);
    }
    if (state.leaving) {
      const { holding } = state.leaving;
      alarms.push(holding.length ? `This hub leaves its home. Codes are still on: ${holding.join(", ")}.` : "This hub leaves its home. All codes are off its locks.");
    }
    by("leaving").hidden = !state.start_over || Boolean(state.leaving);
    by("alarm").hidden = !alarms.length;
    by("alarm").textContent = alarms.join(" ");
    facts(state);
    for (const lock of state.locks) drawLock(lock, Boolean(state.open));
    const events = state.events.map((event) => {
      const item = element("li");
      const time = element("time", clock.format(event.at * 1000));
      time.dateTime = new Date(event.at * 1000).toISOString();
      item.append(time, element("span", event.text, event.kind));
      return item;
    });
    by("events").replaceChildren(...(events.length ? events : [element("li", "Nothing yet.", "quiet")]));
    await drawPairing(state.paired);
    await refresh(state, draw);
  } catch {
    by("facts").replaceChildren(element("li", "The hub is not running", "chip bad"));
  }
}

by("leaving-form").onsubmit = async (event) => {
  event.preventDefault();
  const answer = await post("api/start-over", { home: by("leaving-name").value });
  by("leaving-said").textContent = answer.leaving ? "" : answer.detail;
  draw();
};
by("network").onchange = (event) => post("api/sim/network", { up: event.target.checked }).then(draw);
draw();
setInterval(() => document.visibilityState === "visible" && draw(), 1000);

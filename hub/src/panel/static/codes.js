// Changing codes at the panel: opening it with a primary PIN, making, changing and ending codes.

import { by, element, post, refusal } from "./common.js";

const dialog = by("code-dialog");
const form = by("code-form");
const doors = by("code-doors");
const kinds = by("code-kind");
let view = null;
let again = () => {};
let timer = 0;

/** Asks, and gives the answer or throws a sentence for a person. */
async function ask(path, body) {
  const { ok, answer } = await post(path, body);
  if (ok) return answer;
  if (answer.code === "panel.shut") await refresh();
  throw refusal(answer);
}

const later = (work) => {
  clearTimeout(timer);
  timer = setTimeout(work, 200);
};

/** Button with a word and what it does; `what` says for which code, to whoever cannot see the row. */
function button(word, what, act) {
  const made = element("button", word, "plain");
  made.type = "button";
  made.ariaLabel = `${word}: ${what}`;
  made.onclick = act;
  return made;
}

// The gate.

by("gate-form").onsubmit = async (event) => {
  event.preventDefault();
  const pin = by("gate-pin");
  const said = by("gate-said");
  const typed = pin.value;
  pin.value = "";
  said.textContent = "";
  const { ok, answer } = await post("api/panel/open", { pin: typed });
  if (ok) {
    await refresh();
    by("code-new").focus();
  } else {
    said.textContent = answer.wait ? `${answer.detail} Try again in ${answer.wait} s.` : answer.detail;
    pin.focus();
  }
};

by("panel-close").onclick = async () => {
  await post("api/panel/close", {});
  await refresh();
};

// The list.

function row(code) {
  const item = element("li", "", "code-row");
  const head = element("div", "", "code-head");
  head.append(element("b", code.label));
  if (code.suspended) head.append(element("span", "Paused", "chip warn"));
  if (code.waiting) head.append(element("span", "Waits for the internet", "chip warn"));
  item.append(head, element("p", `${code.when}. ${code.doors.join(", ")}.`, "quiet"));
  if (!code.editable) {
    item.append(element("p", "Changed in the portal only.", "quiet"));
    return item;
  }
  const actions = element("div", "", "actions");
  actions.append(
    button("Change", code.label, () => openEdit(code)),
    button(code.suspended ? "Resume" : "Pause", code.label, () =>
      run(item, { do: code.suspended ? "resume" : "suspend", grant: code.grant })),
    button("End", code.label, () => confirmEnd(code)),
  );
  item.append(actions);
  return item;
}

async function run(item, body) {
  try {
    await ask("api/panel/edit", body);
    await refresh();
    again();
  } catch (error) {
    let said = item.querySelector("[role=alert]");
    if (!said) {
      said = element("p", "", "bad");
      said.role = "alert";
      item.append(said);
    }
    said.textContent = error.message;
  }
}

let drawn = "";

function draw() {
  by("gate").hidden = Boolean(view) || !paired;
  by("codes-open").hidden = !view;
  if (!view) {
    drawn = "";
    return;
  }
  by("panel-closes").textContent = `Closes by itself after ${Math.ceil(view.closes_in / 60)} idle minutes.`;
  by("code-new").hidden = !view.scope;
  by("panel-scope").textContent = view.scope
    ?? "Codes cannot be changed here: an owner has to allow it in the portal, under Doors, at this hub.";
  const now = JSON.stringify(view.codes);
  if (now === drawn) return;
  drawn = now;
  const rows = view.codes.map(row);
  by("code-list").replaceChildren(...(rows.length ? rows : [element("li", "No codes yet.", "quiet")]));
}

let paired = false;

/** Looks again; `state` is what the hub said last, if it was just asked. */
export async function refresh(state, draws) {
  if (draws) again = draws;
  if (state) {
    paired = state.paired;
    by("gate-wait").textContent = state.panel_wait ? `The next PIN can be tried in ${state.panel_wait} s.` : "";
  }
  if (state && !state.open) view = null;
  else {
    const response = await fetch("api/panel/codes");
    view = response.ok ? await response.json() : null;
  }
  if (!view && dialog.open) dialog.close();
  draw();
}

// A new code.

const whenBody = () => {
  const kind = form.elements.when.value;
  if (kind === "days") return { kind, days: Number(by("when-days").value) || 1 };
  if (kind === "custom") return { kind, from: by("when-from").value || null, to: by("when-to").value || null };
  return { kind };
};
const chosenDoors = () => [...doors.querySelectorAll("input:checked")].map((box) => box.value);
const typesPin = () => form.elements.make.value === "typed";

/** The same time a day later, by the clock on the wall: no zone of the browser's comes into it. */
function dayLater(local) {
  const day = new Date(`${local}Z`);
  day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 16);
}

by("code-new").onclick = () => {
  form.reset();
  for (const list of ["pin-rules", "code-said", "when-text"]) by(list).replaceChildren();
  by("pin-left").textContent = "";
  doors.replaceChildren(...view.doors.filter((door) => door.allowed).map((door) => {
    const label = element("label", "", "check");
    const box = element("input");
    box.type = "checkbox";
    box.value = door.id;
    box.checked = true;
    label.append(box, element("span", door.name));
    return label;
  }));
  const names = { guest: "Guest", standard: "Family", primary: "Primary" };
  kinds.replaceChildren(...view.kinds.map((kind) => {
    const option = element("option", names[kind]);
    option.value = kind;
    return option;
  }));
  by("kind-field").hidden = view.kinds.length < 2;
  by("when-from").value = view.local;
  by("when-to").value = dayLater(view.local);
  by("when-to").required = !view.endless;
  by("code-fields").hidden = false;
  by("code-done").hidden = true;
  showChosen();
  dialog.showModal();
  by("code-label").focus();
};

function showChosen() {
  const when = form.elements.when.value;
  by("days-field").hidden = when !== "days";
  by("custom-field").hidden = when !== "custom";
  by("pin-field").hidden = !typesPin();
  later(preview);
}

async function preview() {
  if (!dialog.open || by("code-fields").hidden) return;
  const warn = view.codes.some((code) => code.label.trim().toLowerCase() === by("code-label").value.trim().toLowerCase());
  by("label-said").textContent = warn ? "There is a code of this name already." : "";
  try {
    by("when-text").textContent = `${(await ask("api/panel/when", { when: whenBody() })).text}.`;
  } catch (error) {
    by("when-text").textContent = error.message;
  }
  const locks = chosenDoors();
  if (!typesPin() || !locks.length) return;
  try {
    const judged = await ask("api/panel/judge", { pin: by("code-pin").value, locks });
    const good = by("code-pin").value && !judged.broken.length;
    by("pin-rules").replaceChildren(
      ...(good ? [element("li", "This PIN is fine.", "good")] : judged.broken.map((broken) => element("li", broken.text, "bad"))),
    );
    by("pin-left").textContent = judged.left;
  } catch (error) {
    by("pin-rules").replaceChildren(element("li", error.message, "bad"));
  }
}

form.oninput = showChosen;

form.onsubmit = async (event) => {
  event.preventDefault();
  const save = by("code-save");
  if (save.disabled) return;
  save.disabled = true;
  by("code-said").textContent = "";
  const pin = typesPin() ? by("code-pin").value : null;
  const label = by("code-label").value.trim();
  try {
    const made = await ask("api/panel/codes", { label, kind: kinds.value, locks: chosenDoors(), when: whenBody(), pin });
    by("code-pin").value = "";
    by("done-text").textContent = pin
      ? `${label} has the PIN that you typed.`
      : `This is the PIN of ${label}. It is shown here this once.`;
    by("done-pin").textContent = made.pin ?? "";
    by("done-pin").hidden = !made.pin;
    by("code-fields").hidden = true;
    by("code-done").hidden = false;
    by("done-close").focus();
    await refresh();
    again();
  } catch (error) {
    by("code-said").textContent = error.message;
  }
  save.disabled = false;
};

const wipe = () => {
  by("done-pin").textContent = "";
  by("code-pin").value = "";
};
dialog.onclose = wipe;
for (const id of ["code-cancel", "done-close"]) by(id).onclick = () => dialog.close();

// Changing and ending one.

const editDialog = by("edit-dialog");
let editing = null;

function openEdit(code) {
  editing = code;
  by("edit-title").textContent = `Change ${code.label}`;
  by("edit-label").value = code.label;
  by("edit-to").value = code.until ?? "";
  by("edit-to").required = Boolean(code.until) && !view.endless;
  by("edit-said").textContent = "";
  editDialog.showModal();
}

by("edit-form").onsubmit = async (event) => {
  event.preventDefault();
  const { grant, label, until } = editing;
  const [name, to] = [by("edit-label").value.trim(), by("edit-to").value || null];
  try {
    if (name !== label) {
      await ask("api/panel/edit", { do: "rename", grant, label: name });
      editing.label = name;
    }
    if (to !== until) await ask("api/panel/edit", { do: "until", grant, to });
    editDialog.close();
  } catch (error) {
    by("edit-said").textContent = error.message;
  }
  await refresh();
  again();
};
by("edit-cancel").onclick = () => editDialog.close();

const endDialog = by("end-dialog");

function confirmEnd(code) {
  editing = code;
  by("end-title").textContent = `End ${code.label}?`;
  by("end-said").textContent = "";
  endDialog.showModal();
}

by("end-confirm").onclick = async () => {
  try {
    await ask("api/panel/edit", { do: "end", grant: editing.grant });
    endDialog.close();
  } catch (error) {
    by("end-said").textContent = error.message;
  }
  await refresh();
  again();
};
by("end-cancel").onclick = () => endDialog.close();

// Draws the page from the model. The card with the code is drawn apart, so that a refresh of the
// status moves no focus and hides no code.

import { $, button, h, icon } from "./dom.js";
import { headline } from "./phase.js";
import { T } from "./strings.js";
import { brief, clock, day, dayAndClock, differs, knownZone, zoneName } from "./time.js";

/** Digits in groups that people can carry from a screen to a keypad. */
export function groups(pin) {
  const cut = { 4: [2, 2], 5: [3, 2], 7: [3, 4], 8: [4, 4], 10: [3, 3, 4] }[pin.length];
  if (!cut) return pin.match(/.{1,3}/g);
  let at = 0;
  return cut.map((n) => pin.slice(at, (at += n)));
}

/** A page that has one thing to say. */
export function drawProblem(kind, act) {
  const { icon: picture, title, text, next } = T.problems[kind];
  return h(
    "section.lone",
    null,
    h("div.seal", null, icon(picture)),
    h("h1", { id: "title", tabIndex: -1 }, title),
    h("p", null, text),
    act.final(kind) ? h("p.soft", null, next ?? T.ask) : [h("p.soft", null, next), button("plain", null, T.retry, act.retry)],
  );
}

/** The frame of a live page; `refresh` fills what can change. */
export function drawFrame() {
  return [
    h("section.hero", null, h("h1", { id: "title", tabIndex: -1 }), h("p", { id: "sub" })),
    h("p.banner", { id: "banner", hidden: true }),
    h("section.card", { id: "card", "aria-labelledby": "title" }),
    h("div", { id: "note" }),
    h("section.panel", null, h("h2", { id: "doors-title" }), h("ul", { id: "doors" })),
    h("section.panel", null, h("h2", null, T.when), h("div", { id: "when" })),
    h("div", { id: "how" }),
  ];
}

/** `stale` is when the sentence was true, in words, or nothing if it is now. */
function door(entry, zone, stale) {
  const [tone, chip] = T.chips[entry.state] ?? T.chipUnknown;
  const sure = entry.state === "on_lock" && entry.verified_at != null;
  return h(
    "li",
    null,
    h("div.door", null, h("b", null, entry.name), h(`span.chip.${stale ? "stale" : tone}`, null, icon(stale ? "wait" : tone), chip)),
    h("p", null, stale ? T.said(stale, entry.sentence) : entry.sentence),
    entry.next_step && h("p.soft", null, entry.next_step),
    sure && h("p.soft", null, T.confirmed(brief(entry.verified_at, zone))),
  );
}

const length = (hours) => (hours > 47 && hours % 24 === 0 ? T.days(hours / 24) : T.hours(hours));

function when(status, zone, act) {
  const { not_before: from, expires: to } = status;
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cell = (name, at) => h("div", null, h("dt", null, name), h("dd", null, day(at, zone), h("span", null, clock(at, zone))));
  return [
    h("dl", null, cell(T.begins, from), to != null && cell(T.ends, to)),
    status.schedule_text && h("p", null, status.schedule_text),
    status.stay && h("p", null, T.stay(length(status.stay / 3600))),
    status.uses_left > 0 && h("p", null, T.uses(status.uses_left)),
    h("p.soft", null, T.zoneHome(zoneName(zone))),
    mine && differs(zone, mine, [from, to]) &&
      h("p.you", null, T.zoneYou(dayAndClock(from, mine), to != null && dayAndClock(to, mine))),
    button("plain", "date", T.calendar, act.calendar),
    h("p.soft.hint", null, T.calendarHint),
  ].filter(Boolean);
}

/** Fills the frame. Parts that did not change keep their nodes, and with them focus. */
export function refresh(model, act) {
  const { status, stale, banner } = model;
  const zone = knownZone(status.zone);
  const head = headline(status, zone, model.now, stale);
  document.body.dataset.tone = head.tone;
  $("title").textContent = head.title;
  $("sub").textContent = head.sub;
  $("banner").hidden = !banner;
  $("banner").replaceChildren(...(banner ? [icon("net"), T.banners[banner]] : []));
  $("doors-title").textContent = stale == null ? T.doors : T.doorsAsOf(brief(stale));
  fill("doors", [status.doors, stale, zone], () => status.doors.map((entry) => door(entry, zone, stale != null && brief(stale))));
  const { not_before, expires, schedule_text, stay, uses_left } = status;
  fill("when", [not_before, expires, zone, schedule_text, stay, uses_left], () => when(status, zone, act));
  return head;
}

const drawn = new Map();

function fill(id, key, make) {
  const print = JSON.stringify(key);
  if (drawn.get(id) === print && $(id).firstChild) return;
  drawn.set(id, print);
  $(id).replaceChildren(...make());
}

/** The card: closed, opening or open. `content` is what the link's ciphertext holds. */
export function drawCard({ content, busy, error, kept }, status, act) {
  const doors = h("p.where", null, h("span", null, T.cardDoors), status.doors.map((d) => d.name).join(", "));
  const home = content?.home_name && h("p.home", null, content.home_name);
  if (!content) {
    const show = button("show", "eye", busy ? T.opening : T.show, act.reveal);
    show.id = "reveal";
    show.disabled = busy;
    return [doors, h("p.dots", { "aria-hidden": "true" }, "••••••"), error && h("p.oops", { role: "alert" }, error), show].filter(Boolean);
  }
  const parts = groups(content.pin);
  const shape = ["pin", "pin.mid", "pin.long"][(content.pin.length > 6) + (content.pin.length > 8)];
  return [
    h("div", null, doors, home || null),
    h(
      "p." + shape,
      { id: "pin", tabIndex: -1 },
      h("span.sr", null, T.codeIs([...content.pin].join(" "))),
      h("span.digits", { "aria-hidden": "true" }, parts.map((part) => h("span", null, part))),
    ),
    kept ? h("p.kept", null, T.kept) : null,
    h("div.row", null, button("copy", "copy", T.copy, act.copy), button("hide", null, T.hide, act.hide)),
  ].filter(Boolean);
}

/** The host's note and how to type the code, while the code is shown. */
export function drawExtras(content) {
  $("note").replaceChildren(
    ...(content?.note ? [h("section.panel.note", null, h("h2", null, T.note), h("p", null, content.note))] : []),
  );
  $("how").replaceChildren(
    ...(content
      ? [h("section.panel", null, h("h2", null, T.how), h("ol", null, T.steps(content.pin.length).map((s) => h("li", null, s))), h("p.soft", null, T.stepsHint))]
      : []),
  );
}

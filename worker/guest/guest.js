// The guest page: what a link opens, and whether it opens the door now.
// The secret is in the address's fragment, which browsers never send; it is read and left there,
// so that reloading works.

import { call } from "./lib/api.js";
import { $, say } from "./lib/dom.js";
import { calendar } from "./lib/ics.js";
import { fromLocation, open } from "./lib/link.js";
import { isOver } from "./lib/phase.js";
import { forget, load, save, sweep } from "./lib/store.js";
import { T } from "./lib/strings.js";
import { brief, knownZone } from "./lib/time.js";
import { drawCard, drawExtras, drawFrame, drawProblem, refresh } from "./lib/view.js";

const EVERY = 30_000;
// How long to wait for the first answer before showing what is kept (ms).
const PATIENCE = 600;
const seconds = () => Math.floor(Date.now() / 1000);
// The server's clock, as far as the last answer tells: this device's own may be wrong by days.
const now = () => seconds() + (kept ? kept.status.checked_at - kept.seen : 0);

let link;
/** What is kept: `{status, seen, ct?}`, `seen` in Unix seconds by this device's clock. */
let kept;
/** The card: `{content?, busy?, error?, kept?}`. */
let card = {};
let failing = null;
let asking = false;
let timer;
let framed = false;

// What the page shows instead of a code, and does not leave by itself.
const FINAL = ["incomplete", "mismatch", "unknown", "revoked", "gone", "over", "unsupported"];

const act = {
  final: (kind) => FINAL.includes(kind),
  retry: () => check(),
  reveal,
  hide: () => {
    close();
    say(T.hidden);
    $("reveal").focus();
  },
  copy: async (event) => {
    const label = event.currentTarget.lastChild;
    try {
      await navigator.clipboard.writeText(card.content.pin);
      label.textContent = T.copied;
      say(T.copied);
      setTimeout(() => (label.textContent = T.copy), 2_000);
    } catch {
      say(T.copyFailed);
    }
  },
  calendar: download,
};

function problem(kind) {
  clearTimeout(timer);
  framed = false;
  card = {};
  document.body.dataset.tone = "off";
  $("fresh").textContent = "";
  $("view").replaceChildren(drawProblem(kind, act));
  settled(T.problems[kind].title);
}

/** The end of a link: nothing stays on the device, and nothing is asked again. */
function end(kind) {
  forget(link.id);
  kept = null;
  link = null;
  problem(kind);
}

function settled(title) {
  $("view").removeAttribute("aria-busy");
  document.title = `${title} · Latchkey`;
  say(title);
}

function drawAll(checking) {
  if (!framed) {
    $("view").replaceChildren(...drawFrame());
    framed = true;
    drawCardNow();
  }
  const stale = failing || checking ? kept.seen : null;
  const head = refresh({ status: kept.status, stale, banner: failing, now: now() }, act);
  $("fresh").textContent = checking ? T.checking : failing ? T.asOf(brief(kept.seen)) : T.live;
  $("fresh").dataset.state = stale == null ? "live" : "stale";
  settled(head.title);
}

function drawCardNow() {
  $("card").replaceChildren(...drawCard(card, kept.status, act));
  $("card").dataset.open = Boolean(card.content);
  drawExtras(card.content);
}

function close() {
  card = {};
  if (framed) drawCardNow();
}

/** Takes in a status. Returns whether the link still lives. */
function accept(status, ct) {
  if (status.state === "revoked") return end("revoked"), false;
  if (isOver(status, status.checked_at)) return end("over"), false;
  if (status.state !== "live") return end("gone"), false;
  kept = { status, seen: seconds(), ct: ct ?? kept?.ct };
  save(link.id, kept);
  failing = null;
  return true;
}

function failed(kind) {
  if (kind === "unknown") return end(kept ? "gone" : "unknown");
  failing = kind;
  if (!kept) return problem(kind);
  // What is kept stays until the server says so: this device's clock may have moved.
  if (isOver(kept.status, now())) return problem("over");
  drawAll();
}

async function check() {
  if (!link || asking || document.hidden) return;
  asking = true;
  clearTimeout(timer);
  const { ok, fail, after } = await call(link, "status");
  asking = false;
  if (!fail && accept(ok)) drawAll();
  else if (fail) failed(fail);
  if (link) timer = setTimeout(check, after ? after * 1_000 : EVERY);
}

async function reveal() {
  if (card.busy) return;
  card = { busy: true };
  drawCardNow();
  const { ok, fail } = await call(link, "reveal");
  if (fail === "unknown") return end("gone");
  if (ok && !accept(ok.status, ok.ct)) return;
  // A code that was changed is not the one that was kept.
  if (fail === "changed") {
    delete kept.ct;
    save(link.id, kept);
  } else if (fail) failing = fail;
  const ct = ok ? ok.ct : kept.ct;
  if (!ct) {
    card = { error: T.problems[fail ?? "undecipherable"].title };
  } else {
    card = await open(link, ct).then(
      (content) => ({ content, kept: !ok }),
      () => ({ error: T.problems.undecipherable.title }),
    );
  }
  // The page may have been left, and the code with it, while the answer was on its way.
  if (document.hidden) card = {};
  drawAll();
  drawCardNow();
  ($("pin") ?? $("reveal")).focus();
}

function download() {
  const { status } = kept;
  const names = status.doors.map((d) => d.name).join(", ");
  const file = calendar({
    id: link.id,
    stamp: status.checked_at,
    from: status.not_before,
    to: status.expires,
    zone: knownZone(status.zone),
    week: status.week,
    off: status.days_off,
    title: T.icsTitle(names),
    body: T.icsBody(status.schedule_text || names),
    place: card.content?.home_name,
  });
  const url = URL.createObjectURL(new Blob([file], { type: "text/calendar;charset=utf-8" }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = "door-code.ics";
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function start() {
  $("foot").textContent = T.footer;
  sweep(seconds());
  const found = await fromLocation(location);
  if (found.problem) return problem(found.problem);
  link = found.link;
  kept = load(link.id);
  navigator.serviceWorker?.register("/guest/sw.js", { scope: "/g/" }).catch(() => {});
  // A slow network should not hide what this device knows.
  setTimeout(() => asking && kept && !framed && drawAll("checking"), PATIENCE);
  await check();
}

// Another link pasted into the same tab changes the fragment only.
addEventListener("hashchange", () => location.reload());
addEventListener("online", check);
addEventListener("pageshow", (event) => event.persisted && check());
document.addEventListener("visibilitychange", () => {
  // Nobody else should find the code in the list of open apps.
  if (document.hidden) close();
  else check();
});
start();

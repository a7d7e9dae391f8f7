// What the page's headline says: the stay's own limits first, then what the locks were seen to hold.

import { T } from "./strings.js";
import { brief, dayAndClock } from "./time.js";

/** `over` by the given clock (Unix seconds), or as the server says. */
export const isOver = (status, now) =>
  status.state === "over" || (status.expires != null && now >= status.expires);

function titleOfDoors(doors) {
  const open = doors.filter((door) => door.opens).length;
  if (open && open === doors.length) return ["ok", T.titleNow];
  if (open) return ["ok", T.titleSome(open, doors.length)];
  const all = (...states) => doors.length && doors.every((door) => states.includes(door.state));
  if (all("outside_hours", "scheduled", "on_lock")) return ["wait", T.titleHours];
  if (all("waiting_for_hub", "writing")) return ["wait", T.titleSoon];
  if (all("suspended")) return ["off", T.titlePaused];
  return ["warn", T.titleNot];
}

/** `{tone, title, sub}`. `stale` is the time of the last answer if the page cannot reach the API. */
export function headline(status, zone, now, stale) {
  const end = (words) => (status.expires == null ? T.noEnd : words(dayAndClock(status.expires, zone)));
  if (now < status.not_before) {
    return { tone: "wait", title: T.titleStarts, sub: T.from(dayAndClock(status.not_before, zone)) };
  }
  if (status.uses_left === 0) return { tone: "off", title: T.titleUsed, sub: end(T.endsAt) };
  if (stale != null) return { tone: "stale", title: T.titleStale(brief(stale)), sub: end(T.endsAt) };
  const [tone, title] = titleOfDoors(status.doors);
  return { tone, title, sub: end(tone !== "ok" ? T.endsAt : status.stay ? T.latest : T.until) };
}

// Instants in words. English, 24 hours, as the API's own sentences are.

const format = (options, zone) => new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DAY = { weekday: "short", day: "numeric", month: "short" };

/** A zone that this browser does not know becomes UTC, and is then called so. */
export function knownZone(zone) {
  try {
    format({}, zone);
    return zone;
  } catch {
    return "UTC";
  }
}

export const clock = (seconds, zone) => format(CLOCK, zone).format(seconds * 1000);
export const day = (seconds, zone) => {
  const year = (s) => format({ year: "numeric" }, zone).format(s);
  const other = year(seconds * 1000) !== year(Date.now());
  return format(other ? { ...DAY, year: "numeric" } : DAY, zone).format(seconds * 1000).replace(",", "");
};
export const dayAndClock = (seconds, zone) => `${day(seconds, zone)}, ${clock(seconds, zone)}`;

/** `14:02` today, `Fri 27 Nov, 14:02` otherwise. */
export const brief = (seconds, zone) =>
  day(seconds, zone) === day(Date.now() / 1000, zone) ? clock(seconds, zone) : dayAndClock(seconds, zone);

/** `Lisbon time`, `UTC`. */
export const zoneName = (zone) =>
  zone.includes("/") ? `${zone.split("/").pop().replaceAll("_", " ")} time` : zone;

/** Whether the two zones' clocks differ at any of these instants. */
export const differs = (a, b, instants) =>
  instants.some((t) => t != null && dayAndClock(t, a) !== dayAndClock(t, b));

// An iCalendar file (RFC 5545): one event for a stay, or one that recurs for the same hours of every week. It holds
// no PIN and no link: calendars are copied to servers, and the link opens the code.

const MINUTE = 60;
const DAY = 86_400;
const DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
// 1970-01-05 was a Monday.
const FIRST_MONDAY = 4 * DAY;

const stamp = (seconds) => new Date(seconds * 1000).toISOString().replace(/[-:]|\.\d+|Z/g, "");
const utc = (seconds) => `${stamp(seconds)}Z`;
const escape = (text) => text.replace(/[\\;,]/g, "\\$&").replace(/\r\n?|\n/g, "\\n");

/** Content lines end in CRLF and are folded at 75 octets, never inside a character. */
function fold(line) {
  const rows = [""];
  let size = 0;
  for (const char of line) {
    const octets = new TextEncoder().encode(char).length;
    if (size + octets > 75) {
      rows.push(" ");
      size = 1;
    }
    rows[rows.length - 1] += char;
    size += octets;
  }
  return rows.join("\r\n");
}

/** Seconds that the zone's clock is ahead of UTC. */
function offset(seconds, zone) {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(seconds * 1000);
  const [year, month, day, hour, minute, second] = ["year", "month", "day", "hour", "minute", "second"].map((type) => +parts.find((p) => p.type === type).value);
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - seconds;
}

/** What the zone's clock shows, as if it were UTC, to an instant; in a gap or an overlap the earlier offset holds. */
const instant = (local, zone) => local - offset(local - offset(local - DAY, zone), zone);

const signed = (seconds) => {
  const minutes = Math.round(Math.abs(seconds) / MINUTE);
  return (seconds < 0 ? "-" : "+") + String(Math.floor(minutes / 60) * 100 + (minutes % 60)).padStart(4, "0");
};

/** The zone's rules from a day before `from` to a day after `to`: one observance per change of its clock. */
function timezone(zone, from, to) {
  const observance = (at, before, after) => {
    const kind = after > before ? "DAYLIGHT" : "STANDARD";
    return [`BEGIN:${kind}`, `DTSTART:${stamp(at + before)}`, `TZOFFSETFROM:${signed(before)}`, `TZOFFSETTO:${signed(after)}`, `END:${kind}`];
  };
  let before = offset(from - DAY, zone);
  const lines = observance(from - DAY, before, before);
  for (let day = from - DAY; day < to + DAY; day += DAY) {
    const after = offset(day + DAY, zone);
    if (after === before) continue;
    let [low, high] = [day, day + DAY];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offset(middle, zone) === before) low = middle;
      else high = middle;
    }
    lines.push(...observance(high, before, after));
    before = after;
  }
  return ["BEGIN:VTIMEZONE", `TZID:${zone}`, ...lines, "END:VTIMEZONE"];
}

/** Stretches of the week with the same hours, as `{from, length, days}` in minutes of the day and days from Monday. */
function rows(week) {
  const byHours = new Map();
  for (const [start, end] of week) {
    const from = start % 1440;
    const key = `${from} ${end - start}`;
    if (!byHours.has(key)) byHours.set(key, { from, length: end - start, days: [] });
    byHours.get(key).days.push(Math.floor(start / 1440));
  }
  return [...byHours.values()];
}

/** When and how a row recurs, or nothing if it never comes in the stay. */
function recurrence({ from, length, days }, { from: begins, to: ends, zone, off = [] }) {
  const local = begins + offset(begins, zone);
  const monday = local - ((((local - FIRST_MONDAY) % (7 * DAY)) + 7 * DAY) % (7 * DAY));
  const starts = [-7, 0, 7].flatMap((shift) => days.map((day) => monday + (shift + day) * DAY + from * MINUTE)).sort((a, b) => a - b);
  const first = starts.find((start) => instant(start + length * MINUTE, zone) > begins);
  if (first == null || (ends != null && instant(first, zone) >= ends)) return null;
  const at = `;TZID=${zone}:`;
  const last = ends == null ? "" : `;UNTIL=${utc(ends - 1)}`;
  const skipped = off
    .map((date) => Date.parse(`${date}T00:00:00Z`) / 1000 + from * MINUTE)
    .filter((start) => start >= first && days.includes((((start - FIRST_MONDAY) / DAY) | 0) % 7));
  return [
    `DTSTART${at}${stamp(first)}`,
    `DTEND${at}${stamp(first + length * MINUTE)}`,
    `RRULE:FREQ=WEEKLY;BYDAY=${days.map((day) => DAYS[day]).join(",")}${last}`,
    skipped.length && `EXDATE${at}${skipped.map(stamp).join(",")}`,
  ];
}

/**
 * `event` is `{id, stamp, from, to?, zone, week?, off?, title, body, place?}`: times are Unix seconds, `week` stretches
 * in minutes from Monday 00:00 on the zone's clock, `off` days like `2026-12-24`.
 */
export function calendar(event) {
  const { id, from, to, zone, week, title, body, place } = event;
  const times = week ? rows(week).map((row) => recurrence(row, event)).filter(Boolean) : [[`DTSTART:${utc(from)}`, to && `DTEND:${utc(to)}`]];
  const entries = times.flatMap((when, i) => [
    "BEGIN:VEVENT",
    `UID:${id}${i ? `-${i}` : ""}@latchkey`,
    `DTSTAMP:${utc(event.stamp)}`,
    ...when,
    `SUMMARY:${escape(title)}`,
    `DESCRIPTION:${escape(body)}`,
    place && `LOCATION:${escape(place)}`,
    "TRANSP:TRANSPARENT",
    "END:VEVENT",
  ]);
  // Without an end, the rules of the next two years: by then calendars ask their own tables.
  const zoned = week ? timezone(zone, from, to ?? event.stamp + 730 * DAY) : [];
  return ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Latchkey//Guest page//EN", ...zoned, ...entries, "END:VCALENDAR"]
    .filter(Boolean)
    .map((line) => `${fold(line)}\r\n`)
    .join("");
}

// An iCalendar file (RFC 5545) for the stay. It holds no PIN and no link: calendars are copied to
// servers, and the link opens the code.

const utc = (seconds) => new Date(seconds * 1000).toISOString().replace(/[-:]|\.\d+/g, "");
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

/** `event` is `{id, stamp, from, to?, title, body, place?}`; times are Unix seconds. */
export function calendar({ id, stamp, from, to, title, body, place }) {
  return [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Latchkey//Guest page//EN",
    "BEGIN:VEVENT",
    `UID:${id}@latchkey`,
    `DTSTAMP:${utc(stamp)}`,
    `DTSTART:${utc(from)}`,
    to && `DTEND:${utc(to)}`,
    `SUMMARY:${escape(title)}`,
    `DESCRIPTION:${escape(body)}`,
    place && `LOCATION:${escape(place)}`,
    "TRANSP:TRANSPARENT",
    "END:VEVENT",
    "END:VCALENDAR",
  ]
    .filter(Boolean)
    .map((line) => `${fold(line)}\r\n`)
    .join("");
}

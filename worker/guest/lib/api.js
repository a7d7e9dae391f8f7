// The two calls of this page. Both carry `auth` in the body, so that no server log has it in a URL.

const TIMEOUT = 10_000;

const sound = ({ state, doors, zone }) => state && (state !== "live" || (Array.isArray(doors) && zone));

/**
 * `{ok: body}`, or `{fail, after}` with `fail` one of `offline`, `server`, `limited`, `unknown`, `changed`
 * and `after` the seconds that the server wants us to wait.
 */
export async function call(link, action) {
  let response;
  try {
    response = await fetch(`/api/v1/links/${link.id}/${action}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ auth: link.auth }),
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    const body = response.ok && (await response.json());
    if (body) return sound(body.status ?? body) ? { ok: body } : { fail: "server" };
  } catch (error) {
    // A body that is no JSON came from something between us and the API.
    return { fail: navigator.onLine && (response || error.name === "TimeoutError") ? "server" : "offline" };
  }
  if (response.status === 429) return { fail: "limited", after: +response.headers.get("retry-after") || 60 };
  return { fail: { 404: "unknown", 409: "changed" }[response.status] ?? "server" };
}

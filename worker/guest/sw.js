// Keeps the page itself, so that a link that was opened once opens again without a network.
// The page is the same for every link, so one copy serves them all; no address is kept, and calls
// to the API never pass through here.

const CACHE = "latchkey-guest-1";
// Any well-formed id yields the page. This one is all zeros.
const PAGE = "/g/aaaaaaaaaaaaaaaaaaaaaaaaaa";
const SHELL = [PAGE, "/guest/guest.css", "/guest/guest.js"];
// A network that does not answer in this time counts as none (ms).
const PATIENCE = 3_000;

self.addEventListener("install", (event) => {
  const requests = SHELL.map((path) => new Request(path, { cache: "no-cache" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("latchkey-guest-") && name !== CACHE;
  const clean = caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))));
  event.waitUntil(clean.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  const key = request.mode === "navigate" ? PAGE : pathname;
  if (SHELL.includes(key)) event.respondWith(freshOrKept(event, key));
});

async function freshOrKept(event, key) {
  const cache = await caches.open(CACHE);
  const network = fetch(event.request).then(async (response) => {
    if (response.ok && !response.redirected) await cache.put(key, response.clone());
    return response;
  });
  const settled = network.catch(() => null);
  event.waitUntil(settled);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, null));
  const response = await Promise.race([settled, late]);
  if (response && response.status < 500) return response;
  return (await cache.match(key)) ?? network;
}

// Keeps the shell for a start without a network. It never keeps an answer of the API, and never touches guests' pages.
const SHELL = "latchkey-shell-{{version}}";
const ALWAYS_FRESH = ["/", "/icon.svg", "/manifest.webmanifest"];
const PARTS = "{{all.parts}}".split(" ");
const FILES = [...ALWAYS_FRESH, "/{{boot.js}}", "/{{app.css}}", "/{{app.js}}", "/{{app_bg.wasm}}", ...PARTS];

addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const old = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("latchkey-shell-") && name !== SHELL) await caches.delete(name);
    }
    await clients.claim();
  };
  event.waitUntil(old());
});

addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const ours = event.request.method === "GET" && url.origin === location.origin;
  if (!ours || url.pathname.startsWith("/api/") || url.pathname.startsWith("/g/")) return;
  if (event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(() => caches.match("/")));
  } else if (FILES.includes(url.pathname)) {
    const immutable = !ALWAYS_FRESH.includes(url.pathname);
    const fresh = () => fetch(event.request).catch(() => caches.match(event.request));
    event.respondWith(immutable ? caches.match(event.request).then((hit) => hit ?? fetch(event.request)) : fresh());
  }
});

// A test double of the API for the states of the guest page, and the page as xtask builds it.
// Links are made here with node:crypto, apart from the page's own WebCrypto code.

import { createCipheriv, hkdfSync, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { brotliCompressSync } from "node:zlib";

const GUEST = new URL("../../worker/guest/", import.meta.url);
const ICON = new URL("../../portal/static/icon.svg", import.meta.url);
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The three built files and the page, as `{name: Buffer}`. */
export async function build(esbuild) {
  const result = await esbuild.build({
    entryPoints: ["guest.js", "guest.css", "sw.js"].map((name) => new URL(name, GUEST).pathname),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    outdir: "/out",
  });
  const files = Object.fromEntries(result.outputFiles.map((f) => [f.path.split("/").pop(), Buffer.from(f.contents)]));
  files["page.html"] = await readFile(new URL("page.html", GUEST));
  return files;
}

/** What a browser downloads on a first visit, compressed as the edge does it. */
export const transferSize = (files) =>
  ["page.html", "guest.css", "guest.js"].reduce((sum, name) => sum + brotliCompressSync(files[name]).length, 0);

const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
function base32(bytes) {
  const bits = [...bytes].map((b) => b.toString(2).padStart(8, "0")).join("");
  return bits.match(/.{1,5}/g).map((five) => LETTERS[parseInt(five.padEnd(5, "0"), 2)]).join("");
}

/** `{secret, id, idBytes, auth, ct, path}` of a new link that holds `content`. */
export function makeLink(content, secret = randomBytes(16)) {
  const part = (info, n) => Buffer.from(hkdfSync("sha256", secret, "latchkey/v1/link", info, n));
  const id = part("id", 16);
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", part("key", 32), iv).setAAD(id);
  const body = Buffer.concat([cipher.update(JSON.stringify({ v: 1, ...content })), cipher.final()]);
  return {
    secret: secret.toString("base64url"),
    id: base32(id),
    idBytes: id,
    auth: part("auth", 32).toString("base64url"),
    ct: Buffer.concat([iv, body, cipher.getAuthTag()]).toString("base64url"),
    path: `/g/${base32(id)}#${secret.toString("base64url")}`,
  };
}

/** A server whose `answer({action, link})` decides what the API says: `{code?, body, headers?}`. */
export async function serve(files) {
  const seen = [];
  const stub = { seen, links: new Map(), answer: null };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    seen.push({ method: request.method, url: request.url, body, headers: request.headers });
    const send = (code, type, content, headers = {}) =>
      response.writeHead(code, { "content-type": type, "cache-control": "no-cache", ...headers }).end(content);
    const asset = /^\/guest\/([a-z.]+)$/.exec(request.url)?.[1];
    const api = /^\/api\/v1\/links\/([a-z2-7]{26})\/(status|reveal)$/.exec(request.url);
    if (/^\/g\/[a-z2-7]{26}$/.test(request.url)) {
      return send(200, "text/html; charset=utf-8", files["page.html"], {
        "content-security-policy": CSP,
        "referrer-policy": "no-referrer",
      });
    }
    if (asset && files[asset]) {
      const type = asset.endsWith("css") ? "text/css" : "text/javascript";
      return send(200, type, files[asset], { "service-worker-allowed": "/", "content-security-policy": CSP });
    }
    if (api && request.method === "POST") {
      const link = stub.links.get(api[1]);
      const known = link && JSON.parse(body).auth === link.auth;
      const reply = known ? stub.answer({ action: api[2], link }) : { code: 404, body: { code: "link.not_found" } };
      const content = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body ?? {});
      return send(reply.code ?? 200, "application/json", content, reply.headers);
    }
    if (request.url === "/icon.svg") return send(200, "image/svg+xml", await readFile(ICON));
    send(404, "text/plain", "not found");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  stub.origin = `http://127.0.0.1:${server.address().port}`;
  stub.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return stub;
}

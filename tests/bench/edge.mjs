// What an edge does that `wrangler dev` does not: compresses what is static. A proxy in front of a Worker, and a server
// of fixed pages; both reached over a line that can be slow for everything that goes over it, a service worker's own
// requests too.

import { createServer, request } from "node:http";
import { connect } from "node:net";
import { brotliCompressSync, constants } from "node:zlib";

const PACKED = /text|javascript|json|wasm|svg|manifest/;
const packed = new Map();

/** Brotli, once for each content. */
function pack(key, bytes) {
  const known = packed.get(key);
  if (known?.bytes.equals(bytes)) return known.out;
  const out = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  packed.set(key, { bytes, out });
  return out;
}

/** A line that all answers share, in turns. Endless and instant until `slow` is called. */
export class Line {
  /** How many bytes of content went over it. */
  bytes = 0;
  #slow = null;
  #free = 0;

  /** `latency`: ms until an answer begins; `down`: bytes each ms. `null`: as fast as it can be. */
  slow(profile) {
    this.#slow = profile;
  }

  async send(response, body) {
    const wait = (ms) => new Promise((done) => setTimeout(done, ms));
    if (this.#slow) await wait(this.#slow.latency);
    for (let at = 0; at < body.length; at += 4096) {
      const part = body.subarray(at, at + 4096);
      if (this.#slow) {
        const now = performance.now();
        this.#free = Math.max(this.#free, now) + part.length / this.#slow.down;
        // A timer is a ms or two late: what is due within that goes at once, and the sum keeps the rate.
        if (this.#free - now > 2) await wait(this.#free - now);
      }
      this.bytes += part.length;
      response.write(part);
    }
    response.end();
  }
}

function answer(line, response, key, status, headers, bytes) {
  const kind = headers["content-type"] ?? "";
  const fixed = PACKED.test(kind) && !key.includes("/api/") && bytes.length > 500;
  const body = fixed ? pack(key, bytes) : bytes;
  const all = { ...headers, "content-length": body.length, ...(fixed && { "content-encoding": "br" }) };
  delete all["transfer-encoding"];
  response.writeHead(status, all);
  line.send(response, body);
}

const listening = (server, port) => new Promise((done) => server.listen(port, "127.0.0.1", () => done(server)));

/** Passes everything on to `to` (an origin), and compresses what is static. */
export async function proxy(port, to) {
  const line = new Line();
  const target = new URL(to);
  const server = createServer((incoming, response) => {
    // What the Worker itself compresses goes through as it is.
    const own = incoming.url.startsWith("/api/") && incoming.headers["accept-encoding"];
    const headers = { ...incoming.headers, "accept-encoding": own || "identity" };
    const outgoing = request(
      { hostname: target.hostname, port: target.port, method: incoming.method, path: incoming.url, headers },
      (reply) => {
        const chunks = [];
        reply.on("data", (chunk) => chunks.push(chunk));
        reply.on("end", () => answer(line, response, incoming.url, reply.statusCode, reply.headers, Buffer.concat(chunks)));
      },
    );
    outgoing.once("error", () => response.destroy());
    incoming.pipe(outgoing);
  });
  server.on("upgrade", (incoming, socket, head) => {
    const upstream = connect(Number(target.port), target.hostname, () => {
      const lines = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${value}`);
      upstream.write([`GET ${incoming.url} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.once("error", () => socket.destroy());
    socket.once("error", () => upstream.destroy());
  });
  await listening(server, port);
  return { line, close: () => server.close() };
}

/** Serves `{path: {type, body}}`. */
export async function pages(port, files) {
  const line = new Line();
  const server = createServer((incoming, response) => {
    const file = files[incoming.url.split("?")[0]];
    if (!file) return response.writeHead(404).end();
    answer(line, response, `pages:${incoming.url}`, 200, { "content-type": file.type, "cache-control": "no-cache" }, Buffer.from(file.body));
  });
  await listening(server, port);
  return { line, origin: `http://localhost:${port}`, close: () => server.close() };
}

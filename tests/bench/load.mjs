// A load, and what it cost: latencies of every request, CPU time of the server.

import { Agent, request } from "node:http";

/** One request on kept connections; `{status, bytes}`. */
export function caller(origin, connections) {
  const { hostname, port } = new URL(origin);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const call = ({ method = "GET", path, headers = {}, body }) =>
    new Promise((done, fail) => {
      const outgoing = request({ agent, hostname, port, method, path, headers }, (response) => {
        let bytes = 0;
        response.on("data", (chunk) => (bytes += chunk.length));
        response.on("end", () => done({ status: response.statusCode, bytes }));
      });
      outgoing.once("error", fail);
      outgoing.end(body);
    });
  return { call, close: () => agent.destroy() };
}

export const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

/**
 * Sends what `next()` gives, `connections` at a time, `count` in all, and demands `status` of each.
 * `{latencies, cpu, seconds}`: ms each, and the server's CPU time in ms.
 */
export async function load(server, next, { count, connections, status = 200 }) {
  const { call, close } = caller(server.origin, connections);
  const latencies = [];
  let left = count;
  const before = await server.cpu();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (left-- > 0) {
        const one = next();
        const begun = performance.now();
        const answer = await call(one);
        latencies.push(performance.now() - begun);
        if (answer.status !== status) throw new Error(`${one.method ?? "GET"} ${one.path}: ${answer.status}, not ${status}`);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const cpu = (await server.cpu()) - before;
  close();
  return { latencies, cpu, seconds };
}

/** Blocks of A and B in turn, so that both meet the same machine; the first pair only warms up. */
export async function interleaved(sides, { blocks = 6, ...how }) {
  const total = Object.fromEntries(Object.keys(sides).map((name) => [name, { latencies: [], cpu: 0, seconds: 0 }]));
  for (let block = 0; block <= blocks; block += 1) {
    for (const [name, { server, next }] of Object.entries(sides)) {
      const { latencies, cpu, seconds } = await load(server, next, { ...how, status: sides[name].status ?? how.status });
      if (block === 0) continue;
      total[name].latencies.push(...latencies);
      total[name].cpu += cpu;
      total[name].seconds += seconds;
    }
  }
  return Object.fromEntries(
    Object.entries(total).map(([name, { latencies, cpu, seconds }]) => {
      latencies.sort((a, b) => a - b);
      return [
        name,
        {
          p50: quantile(latencies, 0.5),
          p99: quantile(latencies, 0.99),
          cpu: cpu / latencies.length,
          rate: latencies.length / seconds,
        },
      ];
    }),
  );
}

/** A Markdown table. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

// The Worker's entry. It exports what `wrangler.toml` names, answers what comes most often by itself
// (`hot.mjs`), and keeps a WASM instance that has aborted (a Rust panic, a trap) from serving anything else.
//
// After an abort the instance's memory cannot be trusted, so a fresh one takes
// its place before the next call. What was in flight on the old one can never
// finish: each such call is rejected the moment its own event comes to notice,
// instead of hanging until the runtime gives up. (A promise may only be settled
// by the event that made it, hence the AsyncLocalStorage.) A Durable Object
// whose code aborted is reset by the runtime; its next event finds what had
// been committed.

import { AsyncLocalStorage } from "node:async_hooks";
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import { hot } from "./hot.mjs";
import * as glue from "./index.js";

/** Shared with workers-rs, which raises `instanceId` for every new instance. */
const state = glue.__worker_init_state();

/** The call into WASM that the running code belongs to: a function that rejects it. */
const current = new AsyncLocalStorage();

let dead = false;

// workers-rs sets this in its panic hook, still inside the call that panicked.
Object.defineProperty(state, "criticalError", {
  get: () => dead,
  set(value) {
    dead = value;
    if (value) current.getStore()?.(new Error("panicked"));
  },
});

/** Notes a trap, which leaves the instance in an unknown state. */
function note(error) {
  if (error instanceof WebAssembly.RuntimeError) dead = true;
}

// By this the futures in WASM go on. The platform's own takes several times as long as a promise does.
const settled = Promise.resolve();
globalThis.queueMicrotask = (task) => {
  settled.then(() => {
    try {
      task();
    } catch (error) {
      note(error);
      current.getStore()?.(error);
    }
  });
};

// A trap in a continuation surfaces here, not in the call that started it.
addEventListener("error", (event) => {
  note(event.error);
  current.getStore()?.(event.error);
});

function revive() {
  if (!dead) return;
  dead = false;
  glue.__wbg_reset_state();
}

/** Runs one call into WASM, which gives an answer or a promise of one. */
function enter(call) {
  revive();
  return new Promise((resolve, reject) => {
    const fail = (error) => {
      note(error);
      reject(error);
    };
    current.run(reject, () => {
      try {
        const answer = call();
        if (answer instanceof Promise) answer.then(resolve, fail);
        else resolve(answer);
      } catch (error) {
        fail(error);
      }
    });
  });
}

/** A call into WASM that gives its answer at once. */
function session(cookies) {
  revive();
  try {
    return glue.session(cookies);
  } catch (error) {
    note(error);
    throw error;
  }
}

const INTERNAL = JSON.stringify({
  type: "urn:latchkey:problem:server.internal",
  title: "Something went wrong here",
  status: 500,
  code: "server.internal",
  detail: "The request was not completed. Nothing is half done; try again.",
});

/** What is answered by code; everything else is a file. */
const OURS = /^https?:\/\/[^/?#]+\/(?:api|g)\//;

export default class extends WorkerEntrypoint {
  async fetch(request) {
    try {
      if (!OURS.test(request.url)) return await this.env.ASSETS.fetch(request);
      const answer = await hot(request, this.env, session);
      if (answer instanceof Response) return answer;
      return await enter(() => glue.fetch(answer ?? request, this.env));
    } catch (error) {
      // The message of a panic may quote input, so only its kind is logged.
      console.error("request failed:", error?.name);
      const headers = { "content-type": "application/problem+json", "cache-control": "no-store" };
      return new Response(INTERNAL, { status: 500, headers });
    }
  }

  scheduled(event) {
    return enter(() => glue.scheduled(event, this.env, this.ctx));
  }
}

/** P-256 and RSA for `worker/src/platform.rs`: whether `key` is one and, unless `signature` is empty, verifies it. */
const ALGORITHMS = {
  ES256: {
    of: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
    key: (point) => ["raw", point],
  },
  RS256: {
    of: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    key: (n) => ["jwk", { kty: "RSA", alg: "RS256", e: "AQAB", n: base64url(n) }],
  },
};

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

globalThis.latchkeyHolds = async (algorithm, key, message, signature) => {
  const { of, key: format } = ALGORITHMS[algorithm];
  try {
    const imported = await crypto.subtle.importKey(...format(key), of, false, ["verify"]);
    return signature.length === 0 || (await crypto.subtle.verify(of, imported, signature, message));
  } catch {
    return false;
  }
};

const NOTHING = new Uint8Array();

/** A Durable Object class around the exported Rust struct `name`. */
function durable(name) {
  return class extends DurableObject {
    #inner;
    #instance;

    constructor(ctx, env) {
      super(ctx, env);
      revive();
      this.#live();
    }

    /** The Rust object, made again when the instance it lived in is gone. */
    #live() {
      if (this.#instance !== state.instanceId) {
        this.#inner = new glue[name](this.ctx, this.env);
        this.#instance = state.instanceId;
      }
      return this.#inner;
    }

    async #enter(call) {
      try {
        return await enter(() => call(this.#live()));
      } catch (error) {
        if (dead) this.ctx.abort("the instance aborted");
        throw error;
      }
    }

    async fetch(request) {
      // Bounded by the router. The rest is decided in one go.
      const body = request.body ? new Uint8Array(await request.arrayBuffer()) : NOTHING;
      return this.#enter((inner) => inner.fetch(request, body));
    }

    alarm() {
      return this.#enter((inner) => inner.alarm());
    }

    webSocketMessage(socket) {
      return this.#enter((inner) => inner.webSocketMessage(socket));
    }

    webSocketClose(socket) {
      return this.#enter((inner) => inner.webSocketClose(socket));
    }

    webSocketError(socket) {
      return this.#enter((inner) => inner.webSocketError(socket));
    }
  };
}

export const HomeDo = durable("HomeDo");
export const AccountDo = durable("AccountDo");

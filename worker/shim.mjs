// The Worker's entry. It exports what `wrangler.toml` names and keeps a WASM
// instance that has aborted (a Rust panic, a trap) from serving anything else.
//
// After an abort the instance's memory cannot be trusted, so a fresh one takes
// its place before the next call. What was in flight on the old one can never
// finish: it is rejected here at once instead of hanging until the runtime
// gives up. A Durable Object whose code aborted is reset by the runtime, which
// drops what it had not yet committed; its next event finds the state on disk.

import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import * as glue from "./index.js";

/** Shared with workers-rs: a panic sets `criticalError`, a new instance raises `instanceId`. */
const state = glue.__worker_init_state();

/** Rejects everything in flight on the current instance. */
let abortInFlight;
let aborted;

function renew() {
  aborted = new Promise((_, reject) => {
    abortInFlight = reject;
  });
  aborted.catch(() => {});
}
renew();

/** Called with every error that reaches JavaScript; only traps matter. */
function noteTrap(error) {
  if (!(error instanceof WebAssembly.RuntimeError) && !state.criticalError) return;
  if (state.criticalError !== "noted") {
    state.criticalError = "noted";
    abortInFlight(new Error("the instance aborted"));
  }
}

// A trap in a continuation surfaces here, not in the call that started it.
addEventListener("error", (event) => noteTrap(event.error));

function revive() {
  if (!state.criticalError) return;
  state.criticalError = false;
  renew();
  glue.__wbg_reset_state();
}

/** Runs one call into WASM. */
async function enter(call) {
  revive();
  try {
    return await Promise.race([call(), aborted]);
  } catch (error) {
    noteTrap(error);
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

export default class extends WorkerEntrypoint {
  async fetch(request) {
    try {
      return await enter(() => glue.fetch(request, this.env, this.ctx));
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
        if (state.criticalError) this.ctx.abort("the instance aborted");
        throw error;
      }
    }

    fetch(request) {
      return this.#enter((inner) => inner.fetch(request));
    }

    alarm() {
      return this.#enter((inner) => inner.alarm());
    }

    webSocketMessage(socket, message) {
      return this.#enter((inner) => inner.webSocketMessage(socket, message));
    }

    webSocketClose(socket, code, reason, clean) {
      return this.#enter((inner) => inner.webSocketClose(socket, code, reason, clean));
    }

    webSocketError(socket, error) {
      return this.#enter((inner) => inner.webSocketError(socket, error));
    }
  };
}

export const HomeDo = durable("HomeDo");
export const AccountDo = durable("AccountDo");

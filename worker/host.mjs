// What the Rust code asks of the platform, each in one call: a way out of WASM and back costs more than most of what is
// asked for there, so nothing here is put together by several. `worker/src/host.rs` has the other side.

/** What a broken body is refused with, and one that is too long: HTTP statuses. */
const [MALFORMED, TOO_LARGE] = [400, 413];

export const header = (request, name) => request.headers.get(name) ?? undefined;

/** A request's body, or the status to refuse it with: a longer one before it is read, or as soon as it shows. */
export async function body(request, max) {
  try {
    const declared = request.headers.get("content-length");
    if (declared !== null) {
      if (!/^\d{1,15}$/.test(declared)) return MALFORMED;
      if (Number(declared) > max) return TOO_LARGE;
      // The runtime holds the sender to it (RFC 9112, section 6.2), so it can be taken in one piece.
      const bytes = new Uint8Array(await request.arrayBuffer());
      return bytes.length > max ? TOO_LARGE : bytes;
    }
    const chunks = [];
    let length = 0;
    for await (const chunk of request.body ?? []) {
      length += chunk.length;
      if (length > max) return TOO_LARGE;
      chunks.push(chunk);
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  } catch {
    return MALFORMED;
  }
}

/** `lines`: names and values in turn. */
function pairs(lines) {
  const headers = {};
  const parts = lines.split("\n");
  for (let at = 0; at + 1 < parts.length; at += 2) headers[parts[at]] = parts[at + 1];
  return headers;
}

/** A response. The bytes lie in WASM's memory, which goes on changing. */
export const respond = (status, headers, bytes) =>
  new Response(bytes ? bytes.slice() : null, { status, headers: pairs(headers) });

const objectOf = (env, space, name) => env[space].get(env[space].idFromName(name));

/** Asks an object. Only the headers given here reach it, so nothing from outside can pose as ours. */
export function ask(env, space, name, call, headers, bytes) {
  const init = { method: "POST", headers: pairs(headers), body: bytes?.slice() };
  return objectOf(env, space, name).fetch(`https://object/${call}`, init);
}

/** Asks an object for a socket. */
export function socket(env, space, name, call, headers) {
  const init = { headers: { ...pairs(headers), upgrade: "websocket" } };
  return objectOf(env, space, name).fetch(`https://object/${call}`, init);
}

/** KV: the time to be gone at is in Unix seconds. */
export const kept = (kv, key, bytes, expiration) =>
  kv.put(key, bytes.slice(), expiration === undefined ? {} : { expiration });

/** Whether one more is within a rate limit; `undefined` without the binding. */
export const within = (env, binding, key) => env[binding]?.limit({ key }).then(({ success }) => success);

/** Runs `run` in a transaction, which is taken back where it gives `false`. */
export function transact(storage, run) {
  try {
    storage.transactionSync(() => {
      if (!run()) throw ROLLBACK;
    });
    return true;
  } catch (error) {
    if (error === ROLLBACK) return false;
    throw error;
  }
}

const ROLLBACK = new Error("taken back");

// How arguments and rows lie in bytes: each value is a tag, then nothing, a float of 8 bytes, or 4 bytes of length and
// as many more. All numbers are little-endian. Rows are told apart by the number of columns, which begins them.
const [NULL, NUMBER, BLOB] = [0, 1, 2];

function unpack(packed) {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const values = [];
  for (let at = 0; at < packed.length; ) {
    const tag = packed[at++];
    if (tag === NULL) values.push(null);
    else if (tag === NUMBER) {
      values.push(view.getFloat64(at, true));
      at += 8;
    } else {
      const end = at + 4 + view.getUint32(at, true);
      values.push(packed.slice(at + 4, end));
      at = end;
    }
  }
  return values;
}

/** Where rows are packed: it grows with the largest answer and is used again. */
let room = new Uint8Array(64 * 1024);
let roomView = new DataView(room.buffer);

function reserve(length) {
  if (length <= room.length) return;
  const larger = new Uint8Array(Math.max(length, 2 * room.length));
  larger.set(room);
  room = larger;
  roomView = new DataView(room.buffer);
}

/** Runs a query and gives all its rows. What is given is read before the next call. */
export function rows(sql, query, packed) {
  const cursor = sql.exec(query, ...unpack(packed));
  let at = 1;
  room[0] = cursor.columnNames.length;
  for (const row of cursor.raw()) {
    for (const value of row) {
      if (value === null) {
        reserve(at + 1);
        room[at++] = NULL;
      } else if (typeof value === "number") {
        reserve(at + 9);
        room[at] = NUMBER;
        roomView.setFloat64(at + 1, value, true);
        at += 9;
      } else {
        const bytes = new Uint8Array(value);
        reserve(at + 5 + bytes.length);
        room[at] = BLOB;
        roomView.setUint32(at + 1, bytes.length, true);
        room.set(bytes, at + 5);
        at += 5 + bytes.length;
      }
    }
  }
  return room.subarray(0, at);
}

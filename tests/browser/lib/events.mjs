// The event log as the API gives it, decoded apart from Latchkey's own code.

import { createHash } from "node:crypto";
import { decode, encode } from "cborg";

const KINDS = [
  "Started", "CodeUsed", "EntryRefused", "UnmanagedUsed", "CodePut", "CodeTaken", "CodeFailed", "LockFound",
  "LockReachable", "ChangedByHand", "ClockMoved", "ChainAlarm", "Online", "LockGone",
  "PanelOpened", "PanelRefused", "PanelChanged", "PanelDropped", "Duress", "EntriesLost", "ZoneUnknown", "Restored",
  "StartedOver", "PanelDuress",
];

const cbor = (bytes) => decode(bytes, { useMaps: true, strict: true, rejectDuplicateMapKeys: true });

const CONTEXT = new TextEncoder().encode("latchkey/v1/event");

/** One signed event. Its name is the hash of what is signed: the Sig_structure of RFC 9052, section 4.4. */
function event(bytes) {
  const [protectedHeader, , payload] = cbor(bytes);
  const body = cbor(payload);
  const [kind, ...fields] = body.get(7);
  return {
    number: Number(body.get(3)),
    at: Number(body.get(6)),
    kind: KINDS[Number(kind)] ?? `kind ${kind}`,
    fields: fields.map((field) => (field instanceof Uint8Array ? Buffer.from(field).toString("hex") : field)),
    prev: body.has(8) && body.get(8) !== null ? Buffer.from(body.get(8)).toString("hex") : null,
    hash: createHash("sha256").update(encode(["Signature1", protectedHeader, CONTEXT, payload])).digest("hex"),
  };
}

/** All events of a home, oldest first, fetched with the session of `page`. */
export async function events(page, home) {
  const found = [];
  let before;
  do {
    const query = before === undefined ? "" : `?before=${before}`;
    const response = await page.context().request.get(`${process.env.ORIGIN}/api/v1/homes/${home}/events${query}`);
    if (!response.ok()) throw new Error(`events: ${response.status()} ${await response.text()}`);
    const body = cbor(await response.body());
    found.push(...body.get(1).map(event));
    before = body.get(2) ?? undefined;
  } while (before !== undefined);
  return found.sort((a, b) => a.number - b.number);
}

/** Throws unless the numbers run from 1 without a gap or a repeat, each event naming the one before. */
export function complete(log) {
  log.forEach((entry, index) => {
    if (entry.number !== index + 1) throw new Error(`event ${index + 1} is missing or repeated: found ${entry.number}`);
    if (entry.prev !== (log[index - 1]?.hash ?? null)) throw new Error(`event ${entry.number} does not follow the last`);
  });
}

/** The hub's question that a bundle's head answers, in hexadecimal; nothing if it was issued without one. */
export function nonceOf(bundle) {
  const [, , payload] = cbor(cbor(bundle).get(1));
  const nonce = cbor(payload).get(10);
  return nonce && Buffer.from(nonce).toString("hex");
}

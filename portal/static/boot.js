// Starts the app, and gives it the few browser interfaces that are shorter in JavaScript than through bindings:
// passkeys, and the vault that keeps the member seed across a reload.
const app = import("/{{app.js}}");

const toBytes = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
};
const toText = (buffer) => {
  let plain = "";
  for (const byte of new Uint8Array(buffer)) plain += String.fromCharCode(byte);
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};
const withIds = (list) => (list ?? []).map((entry) => ({ ...entry, id: toBytes(entry.id) }));
// The PRF output opens the member key: it stays apart from what is sent to the server.
const prfOf = (credential) => {
  const prf = credential.getClientExtensionResults().prf;
  return { prf: prf?.results?.first ? new Uint8Array(prf.results.first) : null, prf_enabled: prf?.enabled === true };
};

const passkeys = {
  supported: () => typeof PublicKeyCredential === "function" && !!navigator.credentials,

  async create(options, salt) {
    const publicKey = {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: withIds(options.excludeCredentials),
      extensions: { ...options.extensions, prf: { eval: { first: salt } } },
    };
    const credential = await navigator.credentials.create({ publicKey });
    return {
      credential: {
        id: credential.id,
        client_data_json: toText(credential.response.clientDataJSON),
        attestation_object: toText(credential.response.attestationObject),
      },
      ...prfOf(credential),
    };
  },

  async get(options, salt) {
    const publicKey = {
      ...options,
      challenge: toBytes(options.challenge),
      allowCredentials: withIds(options.allowCredentials),
      extensions: { ...options.extensions, prf: { eval: { first: salt } } },
    };
    const credential = await navigator.credentials.get({ publicKey });
    const { response } = credential;
    return {
      credential: {
        id: credential.id,
        user_handle: response.userHandle ? toText(response.userHandle) : null,
        client_data_json: toText(response.clientDataJSON),
        authenticator_data: toText(response.authenticatorData),
        signature: toText(response.signature),
      },
      ...prfOf(credential),
    };
  },

  // For authenticators that give the PRF output only when signing in: the challenge is ours and goes nowhere.
  prf: (id, rpId, salt) =>
    passkeys.get({ challenge: toText(crypto.getRandomValues(new Uint8Array(32))), rpId, userVerification: "required", allowCredentials: [{ type: "public-key", id }] }, salt),
};

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

// The seed under an AES key that scripts can use but never read out, and under the same key what was last verified of
// each home, to be read without a connection. All of it goes when somebody signs out.
const AES = { name: "AES-GCM", length: 256 };
const vault = {
  async open() {
    const request = indexedDB.open("latchkey", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("vault");
    return done(request);
  },
  async run(mode, work) {
    const db = await vault.open();
    try {
      return await done(work(db.transaction("vault", mode).objectStore("vault")));
    } finally {
      db.close();
    }
  },
  read: (name) => vault.run("readonly", (store) => store.get(name)),
  async seal(key, label, bytes) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const additionalData = new TextEncoder().encode(`latchkey/v1/vault ${label}`);
    return { iv, ct: await crypto.subtle.encrypt({ name: AES.name, iv, additionalData }, key, bytes) };
  },
  async unseal(key, label, { iv, ct }) {
    const additionalData = new TextEncoder().encode(`latchkey/v1/vault ${label}`);
    return new Uint8Array(await crypto.subtle.decrypt({ name: AES.name, iv, additionalData }, key, ct));
  },
  async put(account, bytes, expires) {
    const key = await crypto.subtle.generateKey(AES, false, ["encrypt", "decrypt"]);
    const sealed = await vault.seal(key, `${account} ${expires}`, bytes);
    await vault.clear();
    await vault.run("readwrite", (store) => store.put({ account, key, expires, ...sealed }, "seed"));
  },
  // What was begun before the app asked, by name.
  begun: new Map(),
  take(name) {
    const promise = vault.begun.get(name);
    vault.begun.delete(name);
    return promise;
  },
  // Reads seed and what is kept under these names while the app is on its way. From which op on to ask for the last of
  // them, as `{after}`; `null` if nobody is signed in.
  async begin(names) {
    const db = await vault.open();
    const store = db.transaction("vault").objectStore("vault");
    const [record, ...sealed] = await Promise.all(["seed", ...names].map((name) => done(store.get(name))));
    db.close();
    if (!record || record.expires * 1000 <= Date.now()) return null;
    vault.begun.set("seed", vault.seed(record));
    for (const [n, name] of names.entries()) vault.begun.set(name, vault.plain(record, name, sealed[n]));
    // Who takes it learns of it.
    for (const promise of vault.begun.values()) promise.catch(() => {});
    return { after: sealed.at(-1)?.after };
  },
  // The seed's record, while it is valid.
  async record() {
    const record = await vault.read("seed");
    if (record && record.expires * 1000 <= Date.now()) {
      await vault.clear();
      return null;
    }
    return record ?? null;
  },
  async seed(record) {
    const { account, key, expires } = record;
    return { account, expires, seed: await vault.unseal(key, `${account} ${expires}`, record) };
  },
  async get() {
    await starting;
    const begun = vault.take("seed");
    if (begun) return begun;
    const record = await vault.record();
    return record && vault.seed(record);
  },
  // `after`, in clear: from which op on the next start asks the server.
  async keep(name, bytes, after) {
    const record = await vault.record();
    if (!record) return;
    const sealed = { after, ...(await vault.seal(record.key, `${record.account} kept ${name}`, bytes)) };
    await vault.run("readwrite", (store) => {
      // Whoever signed out meanwhile leaves nothing behind.
      const seeds = store.count("seed");
      seeds.addEventListener("success", () => seeds.result && store.put(sealed, name));
      return seeds;
    });
  },
  plain: async (record, name, sealed) => (sealed ? vault.unseal(record.key, `${record.account} kept ${name}`, sealed) : null),
  async kept(name) {
    await starting;
    const begun = vault.take(name);
    if (begun) return begun;
    const record = await vault.record();
    return record && vault.plain(record, name, await vault.read(name));
  },
  drop: (name) => vault.run("readwrite", (store) => store.delete(name)),
  clear() {
    vault.begun.clear();
    answers.clear();
    return vault.run("readwrite", (store) => store.clear());
  },
};

const files = {
  save(name, type, bytes) {
    const href = URL.createObjectURL(new Blob([bytes], { type }));
    Object.assign(document.createElement("a"), { href, download: name }).click();
    // The download has its own hold on it by then.
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  },
  async read(input, most) {
    const file = input.files?.[0];
    if (!file) return null;
    if (file.size > most) throw new RangeError("too large");
    return new Uint8Array(await file.arrayBuffer());
  },
};

// The parts of a home's pages come in two files, and are compiled while the app is on its way.
const PACKS = {
  home: { path: "/{{home.pack}}", index: "{{home.index}}" },
  codes: { path: "/{{codes.pack}}", index: "{{codes.index}}" },
};
const modules = new Map();
const unpack = async ({ path, index }) => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  const all = await response.arrayBuffer();
  let at = 0;
  const compiled = index.split(" ").map((entry) => {
    const [name, size] = entry.split(":");
    return [name, WebAssembly.compile(all.slice(at, (at += Number(size))))];
  });
  return new Map(compiled);
};
const open = (pack) => {
  if (!modules.has(pack)) {
    const parts = unpack(pack);
    // What failed is tried again when it is asked for again.
    parts.catch(() => modules.delete(pack));
    modules.set(pack, parts);
  }
  return modules.get(pack);
};
const part = async (url) => {
  const name = url.pathname.split("/").at(-1);
  const pack = Object.values(PACKS).find(({ index }) => index.includes(name));
  return pack ? (await open(pack)).get(name) : WebAssembly.compileStreaming(fetch(url));
};

// What the first page asks of the server is asked while the app is on its way: by whoever is signed in, for the home in
// the address, or the one that was open last.
const answers = new Map();
const ask = (path) => {
  const answer = fetch(path, { headers: { accept: "application/json, application/cbor" } });
  // Who takes it learns of it.
  answer.catch(() => {});
  answers.set(path, answer);
};
const [, place, page] = location.pathname.match(/^\/(?:h\/([a-z2-7]{26})\/([a-z]+)$)?/) ?? [];
const begin = async () => {
  const home = place ?? (location.pathname === "/" ? localStorage.getItem("latchkey.last_home") : null);
  const begun = await vault.begin(["account", ...(home ? [`home.${home}`] : [])]);
  if (!begun) return;
  ask("/api/v1/account");
  if (!home || page === "mine") return;
  // Who learns nothing of it here learns it when it asks for them.
  open(PACKS.home).catch(() => {});
  ask(`/api/v1/homes/${home}/snapshot${begun.after === undefined ? "" : `?after=${begun.after}`}`);
};
const starting = begin().catch(() => {});
const asked = async (path) => {
  await starting;
  const answer = answers.get(path);
  answers.delete(path);
  return answer;
};
if (location.pathname.startsWith("/h/")) open(PACKS.home).catch(() => {});
if (page === "codes") open(PACKS.codes).catch(() => {});

globalThis.latchkey = { passkeys, vault, files, asked, part };

const main = async () => {
  try {
    const { default: init } = await app;
    await init({ module_or_path: "/{{app_bg.wasm}}" });
  } catch (error) {
    console.error("latchkey: the app did not start", error);
    const note = document.getElementById("boot-failed");
    if (note) {
      note.textContent = "Latchkey could not start. Check your connection and load the page again. An up-to-date browser is needed.";
      note.hidden = false;
    }
  }
};

main();

// Keeping the shell fetches all of it: not before the first page had time to come.
const LATER_MS = 4_000;
if ("serviceWorker" in navigator && location.protocol !== "file:") {
  const register = () => navigator.serviceWorker.register("/sw.js").catch(() => {});
  addEventListener("load", () => setTimeout(register, navigator.serviceWorker.controller ? 0 : LATER_MS));
}

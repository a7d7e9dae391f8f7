// Starts the app, and gives it the few browser interfaces that are shorter in JavaScript than through bindings:
// passkeys, and the vault that keeps the member seed across a reload.
import init from "/{{app.js}}";

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
  // The seed's record, while it is valid.
  async record() {
    const record = await vault.read("seed");
    if (record && record.expires * 1000 <= Date.now()) {
      await vault.clear();
      return null;
    }
    return record ?? null;
  },
  async get() {
    const record = await vault.record();
    if (!record) return null;
    const { account, key, expires } = record;
    return { account, expires, seed: await vault.unseal(key, `${account} ${expires}`, record) };
  },
  async keep(name, bytes) {
    const record = await vault.record();
    if (!record) return;
    const sealed = await vault.seal(record.key, `${record.account} kept ${name}`, bytes);
    await vault.run("readwrite", (store) => {
      // Whoever signed out meanwhile leaves nothing behind.
      const seeds = store.count("seed");
      seeds.addEventListener("success", () => seeds.result && store.put(sealed, name));
      return seeds;
    });
  },
  async kept(name) {
    const record = await vault.record();
    const sealed = record && (await vault.read(name));
    return sealed ? vault.unseal(record.key, `${record.account} kept ${name}`, sealed) : null;
  },
  drop: (name) => vault.run("readwrite", (store) => store.delete(name)),
  clear: () => vault.run("readwrite", (store) => store.clear()),
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

globalThis.latchkey = { passkeys, vault, files };

// A home's page needs these parts: they come along with the app instead of after it.
if (location.pathname.startsWith("/h/")) {
  for (const href of "{{home.parts}}".split(" ")) {
    const link = Object.assign(document.createElement("link"), { rel: "preload", as: "fetch", crossOrigin: "", href });
    document.head.append(link);
  }
}

const main = async () => {
  try {
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

if ("serviceWorker" in navigator && location.protocol !== "file:") {
  addEventListener("load", () => navigator.serviceWorker.register("/sw.js").catch(() => {}));
}

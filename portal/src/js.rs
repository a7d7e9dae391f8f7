//! The browser: passkeys, the vault, the clock, storage, clipboard. What `boot.js` provides is declared here.

use crate::api::http::{field, text};
use crate::problem::Problem;
use getrandom::SysRng;
use js_sys::{Date, Reflect, Uint8Array};
use latchkey_shared::keys::{Seed, prf_input};
use latchkey_shared::time::Timestamp;
use rand_core::UnwrapErr;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use zeroize::Zeroizing;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["latchkey", "passkeys"], js_name = supported)]
    fn passkeys_supported() -> bool;
    #[wasm_bindgen(js_namespace = ["latchkey", "passkeys"], js_name = create, catch)]
    async fn passkey_create(options: JsValue, salt: Uint8Array) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["latchkey", "passkeys"], js_name = get, catch)]
    async fn passkey_get(options: JsValue, salt: Uint8Array) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["latchkey", "passkeys"], js_name = prf, catch)]
    async fn passkey_prf(id: &str, rp: &str, salt: Uint8Array) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["latchkey", "vault"], js_name = put, catch)]
    async fn vault_put(account: &str, seed: Uint8Array, expires: f64) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["latchkey", "vault"], js_name = get, catch)]
    async fn vault_get() -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["latchkey", "vault"], js_name = clear, catch)]
    async fn vault_clear() -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["latchkey", "vault"], js_name = keep, catch)]
    async fn vault_keep(name: &str, bytes: Uint8Array, after: JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["latchkey", "vault"], js_name = kept, catch)]
    async fn vault_kept(name: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["latchkey", "vault"], js_name = drop, catch)]
    async fn vault_drop(name: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["latchkey"], js_name = asked, catch)]
    async fn asked_early(path: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = performance, js_name = mark)]
    fn performance_mark(name: &str);
    #[wasm_bindgen(js_namespace = ["latchkey", "files"], js_name = save)]
    fn files_save(name: &str, media: &str, bytes: Uint8Array);
    #[wasm_bindgen(js_namespace = ["latchkey", "files"], js_name = read, catch)]
    async fn files_read(input: &JsValue, most: f64) -> Result<JsValue, JsValue>;
}

/// The answer to a GET that `boot.js` sent while the app was on its way: `None` if it sent none, `Err` if there is no
/// answer. Each is given once.
pub async fn asked(path: &str) -> Option<Result<JsValue, JsValue>> {
    asked_early(path).await.map(|answer| answer.is_truthy().then_some(answer)).transpose()
}

/// Notes in the browser's performance timeline how far the app is, for whoever measures it.
pub fn mark(step: &str) {
    performance_mark(&format!("latchkey:{step}"));
}

/// The browser's CSPRNG.
pub fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// This device's clock.
pub fn now() -> Timestamp {
    Timestamp((Date::now() / 1000.0).max(0.0) as u64)
}

/// What a passkey gave.
pub struct PasskeyAnswer {
    /// For the server: the JSON that its route takes as `credential`.
    pub credential: JsValue,
    /// The credential's id in base64url.
    pub id: String,
    /// The PRF output, which stays here.
    pub prf: Option<Zeroizing<[u8; 32]>>,
    /// Whether the passkey has a PRF at all.
    pub prf_enabled: bool,
}

fn salt() -> Uint8Array {
    Uint8Array::from(prf_input().as_slice())
}

fn answer(value: &JsValue) -> Result<PasskeyAnswer, Problem> {
    let credential = field(value, "credential");
    let id = field(&credential, "id").as_string().ok_or_else(|| Problem::of("passkey.failed"))?;
    let prf = field(value, "prf").dyn_into::<Uint8Array>().ok().and_then(|bytes| {
        let bytes = Zeroizing::new(bytes.to_vec());
        bytes.as_slice().try_into().ok().map(Zeroizing::new)
    });
    let prf_enabled = prf.is_some() || field(value, "prf_enabled").is_truthy();
    Ok(PasskeyAnswer { credential, id, prf, prf_enabled })
}

/// A `DOMException` by its name.
fn passkey_problem(e: &JsValue) -> Problem {
    let name = field(e, "name").as_string().unwrap_or_default();
    Problem::of(match name.as_str() {
        "NotAllowedError" | "AbortError" => "passkey.cancelled",
        "InvalidStateError" => "passkey.exists",
        "NotSupportedError" | "SecurityError" => "passkey.unsupported",
        _ => "passkey.failed",
    })
}

fn demand_passkeys() -> Result<(), Problem> {
    if passkeys_supported() { Ok(()) } else { Err(Problem::of("passkey.unsupported")) }
}

/// Makes a passkey. If it has a PRF that did not answer yet, asks it at once.
pub async fn create_passkey(options: JsValue) -> Result<PasskeyAnswer, Problem> {
    demand_passkeys()?;
    let rp = field(&field(&options, "rp"), "id").as_string().unwrap_or_default();
    let made = passkey_create(options, salt()).await.map_err(|e| passkey_problem(&e))?;
    let mut made = answer(&made)?;
    if made.prf.is_none() && made.prf_enabled {
        let asked = passkey_prf(&made.id, &rp, salt()).await.map_err(|e| passkey_problem(&e))?;
        made.prf = answer(&asked)?.prf;
    }
    Ok(made)
}

/// Uses a passkey.
pub async fn use_passkey(options: JsValue) -> Result<PasskeyAnswer, Problem> {
    demand_passkeys()?;
    let used = passkey_get(options, salt()).await.map_err(|e| passkey_problem(&e))?;
    answer(&used)
}

/// What the vault holds.
pub struct Kept {
    /// Whose seed.
    pub account: String,
    /// The seed.
    pub seed: Seed,
}

/// Loads the page anew.
pub fn reload() {
    if let Some(window) = web_sys::window() {
        // Fails only where the browser forbids it; then nothing has changed.
        let _ = window.location().reload();
    }
}

/// Keeps the seed across a reload, under a key that scripts can use but not read, until `expires`.
pub async fn keep_seed(account: &str, seed: &Seed, expires: Timestamp) -> Result<(), Problem> {
    let bytes = Uint8Array::from(seed.expose().as_slice());
    let kept = vault_put(account, bytes.clone(), expires.0 as f64).await;
    bytes.fill(0, 0, bytes.length());
    kept.map(|_| ()).map_err(|_| Problem::of("vault.blocked"))
}

/// The seed that was kept, if there is one.
pub async fn kept_seed() -> Option<Kept> {
    let value = vault_get().await.ok().filter(JsValue::is_truthy)?;
    let bytes: Uint8Array = field(&value, "seed").dyn_into().ok()?;
    let plain = Zeroizing::new(bytes.to_vec());
    bytes.fill(0, 0, bytes.length());
    Some(Kept { account: text(&value, "account")?, seed: Seed::from_slice(&plain)? })
}

/// Keeps bytes beside the seed, under the same key, for the next start. As long as the seed is there. `after`: from which
/// op on that start asks the server, which is no secret.
pub async fn keep(name: &str, bytes: &[u8], after: Option<u64>) {
    // Only a convenience: without it the page fetches all of it, or says that there is no connection.
    let after = after.map_or(JsValue::UNDEFINED, |seq| JsValue::from_f64(seq as f64));
    let _ = vault_keep(name, Uint8Array::from(bytes), after).await;
}

/// What was kept under a name.
pub async fn kept(name: &str) -> Option<Vec<u8>> {
    let value = vault_kept(name).await.ok()?;
    value.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec())
}

/// Forgets what was kept under a name.
pub async fn drop_kept(name: &str) {
    let _ = vault_drop(name).await;
}

/// Gives the person a file.
pub fn save_file(name: &str, media: &str, bytes: &[u8]) {
    files_save(name, media, Uint8Array::from(bytes));
}

/// The file that was chosen in an input: `Ok(None)` if none is, an error if it is too large or cannot be read.
pub async fn chosen_file(input: &JsValue, most: usize) -> Result<Option<Vec<u8>>, Problem> {
    let bytes = files_read(input, most as f64).await.map_err(|e| {
        Problem::of(if e.is_instance_of::<js_sys::RangeError>() {
            "file.too_large"
        } else {
            "file.unreadable"
        })
    })?;
    Ok(bytes.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec()))
}

/// Forgets the seed and all that was kept.
pub async fn forget_seed() {
    // Nothing more can be done about a vault that does not open: it expires by itself.
    let _ = vault_clear().await;
}

fn window() -> Option<web_sys::Window> {
    web_sys::window()
}

fn storage() -> Option<web_sys::Storage> {
    window()?.local_storage().ok()?
}

/// Reads what this browser remembers under a name. Nothing secret is kept this way.
pub fn remembered(name: &str) -> Option<String> {
    storage()?.get_item(&format!("latchkey.{name}")).ok()?
}

/// Remembers a value under a name.
pub fn remember(name: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(&format!("latchkey.{name}"), value);
    }
}

/// Forgets a name.
pub fn forget(name: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&format!("latchkey.{name}"));
    }
}

/// `https://host[:port]` of this page.
pub fn origin() -> String {
    window().and_then(|w| w.location().origin().ok()).unwrap_or_default()
}

/// The path of this page's address.
pub fn path() -> String {
    window().and_then(|w| w.location().pathname().ok()).unwrap_or_default()
}

/// Takes the fragment off the address, so that it stands in no history.
pub fn take_fragment() -> Option<Zeroizing<String>> {
    let window = window()?;
    let hash = Zeroizing::new(window.location().hash().ok()?);
    let text = hash.strip_prefix('#').filter(|text| !text.is_empty())?;
    let path = window.location().pathname().ok()?;
    let history = window.history().ok()?;
    history.replace_state_with_url(&JsValue::NULL, "", Some(&path)).ok()?;
    Some(Zeroizing::new(text.to_owned()))
}

/// Gives the page's heading the focus, where what had it is gone.
pub fn focus_heading() {
    let heading = window().and_then(|w| w.document()?.query_selector("h1").ok()?);
    if let Some(heading) = heading.and_then(|h| h.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = heading.focus();
    }
}

/// Puts text on the clipboard.
pub async fn copy(text: &str) -> bool {
    let Some(window) = window() else { return false };
    let promise = window.navigator().clipboard().write_text(text);
    wasm_bindgen_futures::JsFuture::from(promise).await.is_ok()
}

/// Whether the browser has a share sheet.
pub fn can_share() -> bool {
    window().is_some_and(|w| field(&w.navigator(), "share").is_function())
}

/// Opens the share sheet.
pub async fn share(title: &str, text: &str, url: &str) -> bool {
    let Some(window) = window() else { return false };
    let data = js_sys::Object::new();
    for (name, value) in [("title", title), ("text", text), ("url", url)] {
        let _ = Reflect::set(&data, &name.into(), &value.into());
    }
    let navigator = window.navigator();
    let Ok(share) = field(&navigator, "share").dyn_into::<js_sys::Function>() else { return false };
    match share.call1(&navigator, &data).map(|promise| promise.dyn_into::<js_sys::Promise>()) {
        Ok(Ok(promise)) => wasm_bindgen_futures::JsFuture::from(promise).await.is_ok(),
        _ => false,
    }
}

/// The print dialog.
pub fn print() {
    if let Some(window) = window() {
        let _ = window.print();
    }
}

/// A guess at what to call this device's passkey.
pub fn device_name() -> String {
    let agent = window().and_then(|w| w.navigator().user_agent().ok()).unwrap_or_default();
    let has = |part: &str| agent.contains(part);
    let browser = match () {
        () if has("Edg/") => "Edge",
        () if has("Firefox/") => "Firefox",
        () if has("Chrome/") => "Chrome",
        () if has("Safari/") => "Safari",
        () => "Browser",
    };
    let system = match () {
        () if has("Android") => "Android",
        () if has("iPhone") || has("iPad") => "iOS",
        () if has("Mac OS") => "Mac",
        () if has("Windows") => "Windows",
        () if has("Linux") => "Linux",
        () => "this device",
    };
    format!("{browser} on {system}")
}

/// The zone that the browser is set to.
pub fn browser_zone() -> String {
    let options = js_sys::Intl::DateTimeFormat::default().resolved_options();
    field(&options, "timeZone").as_string().unwrap_or_else(|| "UTC".into())
}

/// Every zone that the browser knows.
pub fn all_zones() -> Vec<String> {
    let intl = field(&js_sys::global(), "Intl");
    let Ok(supported) = field(&intl, "supportedValuesOf").dyn_into::<js_sys::Function>() else {
        return Vec::new();
    };
    let zones = supported.call1(&intl, &"timeZone".into()).unwrap_or(JsValue::UNDEFINED);
    js_sys::Array::from(&zones).iter().filter_map(|zone| zone.as_string()).collect()
}

/// Whether the browser's clock shows 12 hours.
pub fn twelve_hours() -> bool {
    let options = js_sys::Object::new();
    let _ = Reflect::set(&options, &"hour".into(), &"numeric".into());
    let format = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &options);
    field(&format.resolved_options(), "hour12").is_truthy()
}

/// The secret that came in the address, if this page was opened by a link to `path`: a hub's or an invitation's.
pub fn secret_in_address(path: &str) -> Option<Zeroizing<String>> {
    if window()?.location().pathname().ok()? == path { take_fragment() } else { None }
}

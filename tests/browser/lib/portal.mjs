// What a person does in the portal, through its test hooks (portal/TESTIDS.md).

import { hook } from "./browser.mjs";

/** `YYYY-MM-DDTHH:MM` of an instant in the home's zone. */
function local(instant, zone = "Europe/Lisbon") {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  }).formatToParts(instant);
  const part = (type) => parts.find((entry) => entry.type === type).value;
  return `${part("year")}-${part("month")}-${part("day")}T${part("hour")}:${part("minute")}`;
}

/**
 * Signs up on a page that has an authenticator, and goes through the recovery kit to making a home. Gives the kit.
 * `passphrase` is asked for where the passkey has no PRF; `look` is called while the kit is shown.
 */
export async function signUp(page, origin, options = {}) {
  await page.goto(`${origin}/signup`);
  const kit = await signUpHere(page, options);
  await hook(page, "home-name").waitFor();
  return kit;
}

/** The same from the page where one signs up, to wherever one was going. */
export async function signUpHere(page, { name = "Ada Admin", passphrase, look } = {}) {
  await hook(page, "signup-name").fill(name);
  await hook(page, "signup-submit").click();
  if (passphrase) {
    await hook(page, "signup-passphrase").fill(passphrase);
    await hook(page, "signup-passphrase-submit").click();
  }
  return confirmKit(page, look);
}

/** Shows that the kit on this page is on paper. Gives the kit. */
export async function confirmKit(page, look) {
  const kit = await hook(page, "kit-text").getAttribute("data-kit");
  await look?.();
  await hook(page, "kit-saved").click();
  const group = Number(await hook(page, "kit-confirm-input").getAttribute("data-group"));
  await hook(page, "kit-confirm-input").fill(kit.split("-")[group - 1]);
  await hook(page, "kit-confirm-submit").click();
  return kit;
}

/** Makes a home on the page where one is made, and gives its id. */
export async function makeHome(page, name = "Rua das Flores 7") {
  await hook(page, "home-name").fill(name);
  await hook(page, "home-create").click();
  await page.waitForURL(/\/h\/[a-z2-7]{26}\/today/);
  return new URL(page.url()).pathname.split("/")[2];
}

/** Signs out, by way of a home's settings. */
export async function signOut(page, origin, home) {
  await page.goto(`${origin}/h/${home}/settings`);
  await hook(page, "sign-out").click();
  await hook(page, "signin-submit").waitFor();
}

/** Types a label. */
export const editLabel = (page, label) => hook(page, "code-label").fill(label);

/**
 * Makes a code from now until the first full minute at least `seconds` ahead, and waits for its page.
 * Gives `{code, ends}`: the grant's id, and when it ends in milliseconds.
 */
export async function makeCode(page, home, { label, doors, seconds }) {
  await page.goto(`${process.env.ORIGIN}/h/${home}/codes/new`);
  await editLabel(page, label);
  for (const box of await hook(page, "code-lock").all()) {
    await box.setChecked(doors.includes(await box.getAttribute("data-name")));
  }
  await hook(page, "when-custom").check();
  const now = Date.now();
  const ends = Math.ceil((now + seconds * 1_000) / 60_000) * 60_000;
  await hook(page, "custom-from").fill(local(now));
  await hook(page, "custom-to").fill(local(ends));
  const saved = performance.now();
  await hook(page, "code-save").click();
  await page.waitForURL(/\/codes\/[a-z2-7]{26}$/);
  return { code: new URL(page.url()).pathname.split("/").pop(), ends, saved };
}

/** Goes to a code's page. */
export const openCode = (page, home, code) => page.goto(`${process.env.ORIGIN}/h/${home}/codes/${code}`);

/** Waits until the code on this page has a state on a door. */
export const lockState = (page, door, state) =>
  page.locator(`[data-testid="lock-state"][data-name="${door}"][data-state="${state}"]`).waitFor({ timeout: 20_000 });

/** The PIN of the code on this page. */
export async function showPin(page) {
  await hook(page, "pin-show").click();
  return hook(page, "pin-value").getAttribute("data-pin");
}

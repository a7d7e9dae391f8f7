// Chromium with a virtual authenticator, and a record of every address it asked for.

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });

/** A browser profile of its own. `seen.urls` has what servers were asked for, `seen.trouble` what went wrong. */
export async function profile(browser, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "Europe/Lisbon", ...options });
  const seen = { urls: new Set(), trouble: [] };
  // A fragment stays in the browser; what is left is what a server or its log may see.
  context.on("request", (request) => {
    seen.urls.add(request.url().split("#")[0]);
    const from = request.headers().referer;
    if (from) seen.urls.add(from);
  });
  context.on("weberror", (error) => seen.trouble.push(`page error: ${error.error().message}`));
  context.on("console", (message) => {
    if (message.type() === "error") seen.trouble.push(`console: ${message.text()}`);
    seen.urls.add(`console:${message.text()}`);
  });
  context.on("response", (response) => {
    if (response.status() >= 500) seen.trouble.push(`${response.status()} from ${new URL(response.url()).pathname}`);
  });
  context.setDefaultTimeout(15_000);
  return { context, seen, page: await context.newPage() };
}

/** Gives a page a platform authenticator with resident keys, user verification and PRF. */
export async function authenticator(page, { prf = true } = {}) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable", { enableUI: false });
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      hasPrf: prf,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { session, authenticatorId };
}

/** An element by its test hook. */
export const hook = (page, name) => page.getByTestId(name);

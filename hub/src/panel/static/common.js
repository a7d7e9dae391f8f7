// What both parts of the page use.

export const by = (id) => document.getElementById(id);

export const element = (tag, text, kind) => {
  const made = document.createElement(tag);
  made.textContent = text ?? "";
  if (kind) made.className = kind;
  return made;
};

/** Posts JSON: whether it went well, and the answer. */
export async function post(path, body) {
  try {
    const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    return { ok: response.ok, answer: await response.json() };
  } catch {
    return { ok: false, answer: { code: "panel.silent", detail: "The hub does not answer." } };
  }
}

export const refusal = (answer) => Object.assign(new Error(answer.detail), { code: answer.code });

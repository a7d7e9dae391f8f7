// Elements without markup strings: everything from outside becomes text, never HTML.

export const $ = (id) => document.getElementById(id);

/** `h("p.note", {onclick}, "text", child)`: a class after the dot, properties, then children. */
export function h(name, props, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(props ?? {})) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child || child === 0));
  return node;
}

export function icon(name) {
  const make = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const svg = make("svg");
  const use = make("use");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export const button = (kind, picture, label, onclick) =>
  h(`button.${kind}`, { type: "button", onclick }, picture && icon(picture), h("span", null, label));

/** Says a sentence to a screen reader. The same sentence twice is said once. */
export function say(text) {
  if ($("say").textContent !== text) $("say").textContent = text;
}

"use strict";
// What pages have in common beside their subject: finding elements, and making them.

const byID = (id) => document.getElementById(id);

// element makes an element with properties and children; texts are texts, never
// markup.
function element(tag, properties = {}, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(properties)) {
    if (k === "class") e.className = v;
    else if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (k.includes("-") || k === "scope" || k === "role") e.setAttribute(k, v);
    else e[k] = v;
  }
  e.append(...children);
  return e;
}

// tellFinding is what is said of a finding below its operations: its times lead to their
// moments.
function tellFinding(f, go) {
  const linked = (text) => text.split(/(\b\d+\.\d{3}s)/).map((part, i) =>
    (i % 2 ? element("button", { type: "button", class: "link", onclick: () => go(parseFloat(part) * 1e9) }, part) : part));
  return [["Promised", f.promise], ["What it shows", f.plain], ["Why", f.why], ["Then", f.then]].filter(([, text]) => text)
    .map(([word, text]) => element("p", {}, element("b", {}, word + ": "), ...linked(text)));
}

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

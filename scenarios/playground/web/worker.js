"use strict";
// Runs the simulator beside the page. Each message is a request, each answer a frame.
importScripts("wasm_exec.js");
const go = new Go();
const ready = WebAssembly.instantiateStreaming(fetch("etcdsim.wasm"), go.importObject).then((r) => { go.run(r.instance); });
onmessage = async (e) => {
  try {
    await ready;
    postMessage({ id: e.data.id, frame: self.etcdsimDo(e.data.request) });
  } catch (err) {
    postMessage({ id: e.data.id, frame: JSON.stringify({ error: String(err) }) });
  }
};

//go:build js && wasm

// Command wasm is the playground's session as a WebAssembly program: it gives the page
// beside it a function etcdsimDo, which takes a request and returns a frame.
package main

import (
	"syscall/js"

	"etcdsim/scenarios/playground"
)

func main() {
	var player playground.Player
	js.Global().Set("etcdsimDo", js.FuncOf(func(_ js.Value, args []js.Value) any {
		return string(player.Do([]byte(args[0].String())))
	}))
	select {}
}

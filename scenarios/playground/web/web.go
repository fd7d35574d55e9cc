// Package web is the playground's page: files that a server sends, or that lie on any
// web page beside a WebAssembly program. The page asks whoever has the session, by
// [playground.Player], and keeps all that it is told.
package web

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report/page"
	"etcdsim/sim/bug"
)

var (
	//go:embed ui.html
	uiHTML string
	//go:embed ui.css
	uiCSS string
	//go:embed ring.js
	ringJS string
	//go:embed ui.js
	uiJS string
	//go:embed worker.js
	workerJS string
)

var uiTemplate = template.Must(template.New("ui").Parse(uiHTML))

// Worker is the script that runs the WebAssembly program beside the page; it needs Go's
// wasm_exec.js and etcdsim.wasm in the same folder.
func Worker() string { return workerJS }

// Page writes the page. With wasm the session is a WebAssembly program beside it,
// otherwise whoever serves it answers requests to do.
func Page(w io.Writer, wasm bool) error {
	about := struct {
		Wasm      bool     `json:"wasm"`
		Fates     []string `json:"fates"`
		Scenarios []string `json:"scenarios"`
		Bugs      []string `json:"bugs"`
		Verbs     []string `json:"verbs"`
	}{Wasm: wasm, Fates: page.Fates(), Verbs: scenarios.Verbs()}
	for _, f := range scenarios.Library() {
		about.Scenarios = append(about.Scenarios, f.Name)
	}
	for _, b := range bug.All() {
		about.Bugs = append(about.Bugs, b.Name)
	}
	data, err := json.Marshal(about)
	if err != nil {
		return err
	}
	return uiTemplate.Execute(w, map[string]any{
		"Style":  template.CSS(page.Style() + uiCSS),                        //nolint:gosec // ours
		"About":  template.JS(data),                                         //nolint:gosec // escaped by encoding/json
		"Script": template.JS(page.Scripts() + "\n" + ringJS + "\n" + uiJS), //nolint:gosec // ours
	})
}

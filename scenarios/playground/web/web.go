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
	"etcdsim/scenarios/learn"
	"etcdsim/scenarios/playground"
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

// Around is what there is around a page. The zero value is a server that answers
// requests to do.
type Around struct {
	// Wasm: the session is a WebAssembly program beside the page.
	Wasm bool `json:"wasm"`
	// Progress: whoever serves the page keeps the progress of its reader in lessons, and
	// answers requests to progress; otherwise the browser keeps it.
	Progress bool `json:"progress"`
	// Begin is what the page opens unless its link says otherwise, or nil.
	Begin *playground.Open `json:"begin,omitempty"`
}

type lesson struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// Page writes the page.
func Page(w io.Writer, a Around) error {
	about := struct {
		Around
		Fates     []string `json:"fates"`
		Scenarios []string `json:"scenarios"`
		Bugs      []string `json:"bugs"`
		Verbs     []string `json:"verbs"`
		Lessons   []lesson `json:"lessons"`
	}{Around: a, Fates: page.Fates(), Verbs: scenarios.Verbs()}
	for i := range learn.Lessons {
		about.Lessons = append(about.Lessons, lesson{learn.Lessons[i].Name, learn.Lessons[i].Title})
	}
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

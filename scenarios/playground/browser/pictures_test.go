package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// scenes are what pictures are taken of: a page, and what is done there first.
func scenes(t *testing.T) []scene {
	play := ui(t)
	violation := report(t, "leader-partition", "--seed", "8", "--bug", "leader-local-read")
	running := func(statements ...string) func(*testing.T, context.Context) {
		return func(t *testing.T, ctx context.Context) {
			awaits(t, ctx, `document.body.dataset.ready === "yes"`)
			js[any](t, ctx, `(document.getElementById("speed").value = 0.3, playground.speed(), null)`)
			awaits(t, ctx, `playground.t > 2.5e9`)
			click(t, ctx, "play")
			for _, s := range statements {
				say(t, ctx, s)
				js[any](t, ctx, `playground.more().then(() => null)`)
				js[any](t, ctx, `(playground.go(playground.t + 3e8), null)`)
			}
		}
	}
	return []scene{
		{"report", violation, func(t *testing.T, ctx context.Context) {
			awaits(t, ctx, `document.querySelectorAll("#events li").length > 0`)
		}},
		{"playground", play + "/#seed=5", running("kill leader")},
		{"faults", play + "/#seed=6", running(
			"partition n1 n2 | rest", "clock n3 drift=+50%", "stall n4", "slow n5 disk=20", "pause n2", "hold n4 -> n5")},
		{"message", play + "/#seed=6", func(t *testing.T, ctx context.Context) {
			running()(t, ctx)
			js[any](t, ctx, `(playground.message(playground.ring.flying()[0] ? playground.ring.flying()[0].p : playground.model.packets[300]), null)`)
		}},
		{"violation", play + "/#seed=1&bugs=leader-local-read", func(t *testing.T, ctx context.Context) {
			running("load readers clients=2 keys=4 mix=get via=leader timeout=500ms", "partition leader | rest")(t, ctx)
			click(t, ctx, "play")
			awaits(t, ctx, `playground.t > 8e9 || !playground.playing`)
		}},
		{"lesson", play + "/#lesson=commit", func(t *testing.T, ctx context.Context) {
			awaits(t, ctx, `document.querySelector("#lesson fieldset") !== null`)
			do(t, ctx, chromedp.Click(`#lesson input[value="no"]`), chromedp.Click("#lesson-answer"))
		}},
	}
}

type scene struct {
	name, address string
	prepare       func(*testing.T, context.Context)
}

// Pictures of all pages are taken for whoever looks at them, in both sizes and colour
// schemes, and as colour-blind readers see them: PICTURES names the folder. SCENE names one
// scene, if no others are wanted.
func TestPictures(t *testing.T) {
	folder := os.Getenv("PICTURES")
	if folder == "" {
		t.Skip("PICTURES names no folder to put them in")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, s := range scenes(t) {
		if only := os.Getenv("SCENE"); only != "" && only != s.name {
			continue
		}
		for _, size := range [][2]int64{{1280, 800}, {390, 844}} {
			ctx := page(t, int(size[0]), int(size[1]))
			do(t, ctx, chromedp.EmulateViewport(size[0], size[1]), chromedp.Navigate(s.address))
			s.prepare(t, ctx)
			for _, scheme := range []string{"light", "dark"} {
				look(t, ctx, scheme)
				take(t, ctx, filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", s.name, size[0], scheme)))
			}
			look(t, ctx, "light")
			for _, kind := range []emulation.SetEmulatedVisionDeficiencyType{
				emulation.SetEmulatedVisionDeficiencyTypeDeuteranopia, emulation.SetEmulatedVisionDeficiencyTypeProtanopia,
				emulation.SetEmulatedVisionDeficiencyTypeTritanopia, emulation.SetEmulatedVisionDeficiencyTypeAchromatopsia,
			} {
				if size[0] > 1000 {
					do(t, ctx, emulation.SetEmulatedVisionDeficiency(kind))
					take(t, ctx, filepath.Join(folder, fmt.Sprintf("%s-%s.png", s.name, kind)))
				}
			}
		}
	}
}

// look chooses a colour scheme.
func look(t *testing.T, ctx context.Context, scheme string) {
	t.Helper()
	do(t, ctx, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
	js[any](t, ctx, `new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(null))))`)
}

// take takes a picture of the whole page.
func take(t *testing.T, ctx context.Context, file string) {
	t.Helper()
	var picture []byte
	do(t, ctx, chromedp.FullScreenshot(&picture, 100))
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

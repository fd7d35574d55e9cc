// Package browser tests the report and the playground in a real Chromium: what a person
// sees and does. It is a module of its own; .ci/run runs it where Chromium is there.
//
//	go test -C scenarios/playground/browser ./...
//
// CHROMIUM names the program, if it is not found by its usual names. AXE names axe.js
// of the npm package axe-core; without it the pages are not checked for accessibility.
// PICTURES names a folder for pictures of all pages, which are for people to look at and
// otherwise not taken; SCENE names one of the scenes.
package browser

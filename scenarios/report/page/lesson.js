"use strict";
// A lesson above the diagram: one card at a time, its moment under the cursor.

class LessonPanel {
  constructor(box, lesson, show) {
    this.box = box;
    this.lesson = lesson;
    this.show = show;
    this.at = 0;
    this.marks = lesson.cards.map(() => undefined);
    box.hidden = false;
    this.draw();
  }

  draw(focus) {
    const card = this.lesson.cards[this.at], last = this.lesson.cards.length - 1;
    const asked = this.lesson.cards.filter((c) => c.question).length, right = this.marks.filter((m) => m === true).length;
    const back = element("button", { type: "button", id: "lesson-back", disabled: this.at === 0, onclick: () => this.turn(-1) }, "back");
    const next = element("button", { type: "button", id: "lesson-next", disabled: this.at === last, onclick: () => this.turn(1) }, "go on");
    this.box.replaceChildren(
      element("h2", { tabIndex: -1 }, `${this.at + 1} of ${last + 1}, at ${seconds(card.at)}`),
      ...card.texts.map((t) => element("p", {}, t)),
      ...(card.question ? [this.question(card.question)] : []),
      element("nav", { "aria-label": "Lesson" }, back, next,
        element("span", { class: "note" }, `${right} of ${asked} answered right. ${this.lesson.source}.`)));
    this.show(card.at);
    if (focus) this.box.querySelector("h2").focus();
  }

  turn(by) {
    this.at += by;
    this.draw(true);
  }

  question(q) {
    const name = "answer", inputs = [];
    const option = (type, value, text) => {
      const input = element("input", { type, name, value });
      inputs.push(input);
      return element("label", {}, input, " " + text);
    };
    const answers = element("div", { class: "answers" });
    if (q.kind === "yes or no") answers.append(option("radio", "yes", "yes"), option("radio", "no", "no"));
    else if (q.kind === "choice") q.options.forEach((o, i) => answers.append(option("radio", String(i + 1), o)));
    else if (q.kind === "members") {
      for (let n = 1; n <= model.meta.members; n++) answers.append(option("checkbox", "n" + n, "n" + n));
      answers.append(element("span", { class: "note" }, "none of them: leave all empty"));
    } else {
      const input = element("input", { type: "number", min: 0, id: "answer-number" });
      input.setAttribute("aria-label", q.text);
      inputs.push(input);
      answers.append(input);
    }
    const mark = element("p", { class: "mark", role: "status" });
    const answer = () => {
      let given;
      if (q.kind === "number") given = inputs[0].value.trim();
      else {
        given = inputs.filter((i) => i.checked).map((i) => i.value).join(" ");
        if (!given && q.kind === "members") given = "none";
      }
      if (!given) { mark.textContent = "Expected " + q.expected + "."; return; }
      const right = given === q.right;
      if (this.marks[this.at] === undefined) this.marks[this.at] = right;
      const shown = q.options ? q.options[Number(q.right) - 1] : q.right;
      mark.className = "mark " + (right ? "good" : "bad");
      mark.replaceChildren(element("b", {}, right ? "✓ Right: " : "✗ No: "), `${shown}. `, q.why);
    };
    return element("fieldset", { class: "question" }, element("legend", {}, q.text), answers,
      element("button", { type: "button", id: "lesson-answer", onclick: answer }, "answer"), mark);
  }
}

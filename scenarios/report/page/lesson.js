"use strict";
// A lesson: one card at a time, its moment under the cursor. Whoever shows the run takes
// it to the moment of a card (on.show), and keeps how the lesson went (on.took).

class LessonPanel {
  constructor(box, lesson, members, on, at = 0) {
    Object.assign(this, { box, lesson, members, on, at, marks: [] });
    box.hidden = false;
    this.turn(0);
  }

  // score is how many questions were answered right, at the first try, of how many.
  score() {
    return { right: this.marks.filter((m) => m === true).length, of: this.lesson.cards.filter((c) => c.question).length };
  }

  // turn goes so many cards on, and shows the card when its moment has come. Who asks
  // for it twice does not want to wait.
  turn(by) {
    const to = this.at + by, impatient = this.under === to;
    this.under = to;
    this.on.show(this.lesson.cards[to].at, () => {
      this.at = to;
      this.under = undefined;
      this.draw(by !== 0);
    }, by > 0 && !impatient);
  }

  draw(focus) {
    const cards = this.lesson.cards, card = cards[this.at], last = cards.length - 1;
    const back = element("button", { type: "button", id: "lesson-back", disabled: this.at === 0, onclick: () => this.turn(-1) }, "back");
    const next = element("button", { type: "button", id: "lesson-next", disabled: this.at === last, onclick: () => this.turn(1) }, "go on");
    this.count = element("span", { class: "note" });
    this.box.replaceChildren(
      element("h2", { tabIndex: -1 }, `${this.at + 1} of ${last + 1}, at ${seconds(card.at)}`),
      ...card.texts.map((t) => element("p", {}, t)),
      ...(card.question ? [this.question(card.question)] : []),
      element("nav", { "aria-label": "Lesson" }, back, next, this.count));
    this.tally();
    if (this.at === last && !card.question) this.finished();
    if (focus) this.box.querySelector("h2").focus({ preventScroll: true });
  }

  tally() {
    const { right, of } = this.score();
    this.count.textContent = `${right} of ${of} answered right` + (this.at === this.lesson.cards.length - 1 ? "; this is the last card" : "") +
      `. To read: ${this.lesson.source}.`;
  }

  finished() { if (this.on.took) this.on.took(this.score()); }

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
      for (let n = 1; n <= this.members; n++) answers.append(option("checkbox", "n" + n, "n" + n));
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
      if (q.kind === "number") given = inputs[0].value.trim() && String(Number(inputs[0].value));
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
      this.tally();
      if (this.at === this.lesson.cards.length - 1) this.finished();
    };
    return element("fieldset", { class: "question" }, element("legend", {}, q.text), answers,
      element("button", { type: "button", id: "lesson-answer", onclick: answer }, "answer"), mark);
  }
}

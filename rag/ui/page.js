// One function for the parts of the Ask tab; `role` says which. It moves focus, scrolls, copies and shows tips.
// All content comes from the server: nothing here makes markup of text.
({ role, element, trigger, watch }) => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  const narrow = () => !matchMedia("(min-width: 1000px)").matches;
  const box = () => document.querySelector("#fn-box textarea");
  const reader = () => document.querySelector("#fn-panel .fn-reader:not([hidden])");

  const copy = async (button) => {
    const text = button.dataset.text;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without https or loopback the browser has no clipboard; a selection can still be copied.
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  };

  const activate = (button) => {
    document.querySelectorAll("#fn-conversation .fn-active").forEach((other) => other.classList.remove("fn-active"));
    button?.classList.add("fn-active");
  };

  const openFootnote = (button) => {
    activate(button);
    window.footnoteOpened = button;
    const { turn, number, sentence } = button.dataset;
    // The same footnote again, closed meanwhile or not, changes nothing on the server: only go there.
    const kept = document.querySelector("#fn-panel .fn-reader");
    if (kept && kept.dataset.turn === turn && kept.dataset.number === number && kept.dataset.sentence === (sentence ?? "")) {
      kept.hidden = false;
      document.querySelector("#fn-panel .fn-all")?.setAttribute("hidden", "");
      return window.footnoteShow?.();
    }
    trigger("select", { turn, number, sentence: sentence ?? null });
  };

  // The footnotes of the answer whose footnote is open, in reading order.
  const step = (by) => {
    const current = window.footnoteOpened;
    const turn = current?.isConnected ? current.closest(".fn-turn") : document.querySelector("#fn-conversation .fn-turn:last-of-type");
    const all = [...(turn?.querySelectorAll(".fn-cite, .fn-nearest") ?? [])];
    const at = reader() ? all.indexOf(current) : by > 0 ? -1 : all.length;
    all[at + by]?.click();
  };

  const close = () => {
    const open = reader();
    if (!open) return false;
    open.hidden = true;
    document.querySelector("#fn-panel .fn-all")?.removeAttribute("hidden");
    activate(null);
    const chip = window.footnoteOpened;
    (chip?.isConnected ? chip : box())?.focus({ preventScroll: !narrow() });
    return true;
  };

  // One tip for all footnotes: the sentence of the abstract, while a number is hovered or has the focus.
  const tip = () => {
    let shown = document.getElementById("fn-tip");
    if (!shown) {
      shown = Object.assign(document.createElement("div"), { id: "fn-tip", hidden: true });
      shown.setAttribute("role", "tooltip");
      shown.append(document.createElement("span"), document.createElement("cite"));
      element.closest(".gradio-container").append(shown);
      shown.addEventListener("pointerleave", () => hideTip());
    }
    return shown;
  };
  const hideTip = () => {
    const shown = document.getElementById("fn-tip");
    if (!shown || shown.hidden) return false;
    shown.hidden = true;
    document.querySelector("[aria-describedby=fn-tip]")?.removeAttribute("aria-describedby");
    return true;
  };
  const showTip = (chip) => {
    if (!chip.dataset.quote) return;
    hideTip();
    const shown = tip();
    const [quote, title] = shown.children;
    quote.textContent = chip.dataset.quote;
    title.textContent = chip.dataset.title;
    quote.dir = title.dir = "auto";
    shown.hidden = false;
    chip.setAttribute("aria-describedby", "fn-tip");
    const at = chip.getBoundingClientRect();
    const { width, height } = shown.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left + at.width / 2 - width / 2, innerWidth - width - 8));
    const above = at.top - height - 6;
    shown.style.left = `${left}px`;
    shown.style.top = `${above > 8 ? above : at.bottom + 6}px`;
  };

  if (role === "conversation") {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      hideTip();
      if (button.matches(".fn-cite, .fn-nearest")) openFootnote(button);
      else if (button.dataset.action === "copy") copy(button);
      else if (button.dataset.action === "retry") trigger("retry");
      else if (button.dataset.action === "unscope") trigger("undo", { turn: button.dataset.turn, part: button.dataset.part });
      else if (button.dataset.action === "example") trigger("example_select", { question: button.dataset.text });
    });
    element.addEventListener("change", (event) => {
      const menu = event.target.closest("select[data-action=kind]");
      if (menu) trigger("undo", { turn: menu.dataset.turn, part: "kind", kind: menu.value });
    });
    element.addEventListener("pointerover", (event) => {
      const chip = event.target.closest(".fn-cite");
      if (chip && event.pointerType !== "touch") showTip(chip);
    });
    element.addEventListener("pointerout", (event) => {
      if (event.target.closest(".fn-cite") && !event.relatedTarget?.closest?.("#fn-tip")) hideTip();
    });
    element.addEventListener("focusin", (event) => {
      if (event.target.matches(".fn-cite:focus-visible")) showTip(event.target);
    });
    element.addEventListener("focusout", hideTip);
    addEventListener("scroll", hideTip, { passive: true, capture: true });
    watch("value", () => {
      hideTip();
      activate(null);
      element.querySelector(".fn-turn:last-of-type")?.scrollIntoView({ block: "start", behavior: calm });
    });
  }

  if (role === "live") {
    // Not on small screens: the keyboard would cover the page.
    if (!narrow()) box()?.focus({ preventScroll: true });
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const writing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
      if (event.key === "Escape") {
        const stop = document.querySelector("#fn-stop");
        if (hideTip()) return;
        if (stop?.checkVisibility()) stop.click();
        else if (!writing || writing === box()) close();
        return;
      }
      if (writing || !element.checkVisibility({ contentVisibilityAuto: true })) return;
      const inPanel = event.target.closest?.("#fn-panel");
      if (event.key === "]" || (inPanel && event.key === "ArrowRight")) step(1);
      else if (event.key === "[" || (inPanel && event.key === "ArrowLeft")) step(-1);
    });
    watch("value", () => {
      const turn = element.querySelector(".fn-turn");
      const anew = document.querySelector("#fn-new");
      if (anew) anew.disabled = Boolean(turn); // what is being answered belongs to the conversation that is open
      if (turn && turn.getBoundingClientRect().bottom > innerHeight - 120) turn.scrollIntoView({ block: "end" });
    });
  }

  if (role === "next") {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-action=example]");
      if (button) trigger("example_select", { question: button.dataset.text });
    });
  }

  if (role === "panel") {
    // The panel ends where the window does, also while the header is still above it.
    const fit = () => {
      const side = document.querySelector("#fn-side");
      if (side) side.style.maxHeight = narrow() ? "" : `${innerHeight - Math.max(0, side.getBoundingClientRect().top)}px`;
    };
    addEventListener("scroll", fit, { passive: true });
    addEventListener("resize", fit);
    window.footnoteShow = () => {
      const open = reader();
      fit();
      if (!open) return;
      const card = open.querySelector(".fn-chosen");
      const mark = card.querySelector(".fn-support");
      // Only the panel scrolls, so that the answer stays where it is: far enough to have the sentence in its middle.
      const pane = narrow() ? open : document.querySelector("#fn-side");
      pane.scrollTop = 0;
      if (mark) {
        const [at, room] = [mark.getBoundingClientRect(), pane.getBoundingClientRect()];
        if (at.bottom > Math.min(room.bottom, innerHeight) - 24) {
          pane.scrollTo({ top: at.top - room.top - Math.max(64, (pane.clientHeight - at.height) / 2), behavior: calm });
        }
      }
      card.focus({ preventScroll: true });
      const { turn, number, sentence } = open.dataset;
      if (turn === undefined) return;
      const of = `[data-turn="${turn}"][data-number="${number}"]`;
      const chip = document.querySelector(`#fn-conversation ${of}${sentence ? `[data-sentence="${sentence}"]` : ""}`);
      if (chip) { activate(chip); window.footnoteOpened = chip; }
    };
    watch("value", window.footnoteShow);
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-action]");
      switch (button?.dataset.action) {
        case "previous": return step(-1);
        case "next": return step(1);
        case "close": return close();
        case "paper": return trigger("select", { paper: button.dataset.paper });
        case "question": return trigger("example_select", { question: button.dataset.text });
        case "back": {
          const chip = window.footnoteOpened?.isConnected ? window.footnoteOpened : box();
          chip?.scrollIntoView({ block: "center", behavior: calm });
          chip?.focus({ preventScroll: true });
        }
      }
    });
  }
}

// One function for the three parts of the page; `role` says which. It moves focus, scrolls and copies.
// All content comes from the server: nothing here makes markup.
({ role, element, trigger, watch }) => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  const narrow = () => !matchMedia("(min-width: 1000px)").matches;

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

  const openFootnote = (button) => {
    // The same footnote again changes nothing on the server: only go there.
    if (button.classList.contains("fn-active")) return window.footnoteShow?.();
    element.querySelectorAll(".fn-active").forEach((other) => other.classList.remove("fn-active"));
    button.classList.add("fn-active");
    window.footnoteOpened = button;
    const { turn, number, sentence } = button.dataset;
    trigger("select", { turn, number, sentence: sentence ?? null });
  };

  if (role === "conversation") {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.matches(".fn-cite, .fn-nearest")) openFootnote(button);
      else if (button.dataset.action === "copy") copy(button);
      else if (button.dataset.action === "retry") trigger("retry");
      else if (button.dataset.action === "example") trigger("example_select", { question: button.dataset.text });
    });
    watch("value", () => {
      element.querySelectorAll(".fn-active").forEach((chip) => chip.classList.remove("fn-active"));
      element.querySelector(".fn-turn:last-of-type")?.scrollIntoView({ block: "start", behavior: calm });
    });
  }

  if (role === "live") {
    // Not on small screens: the keyboard would cover the page.
    if (!narrow()) document.querySelector("#fn-box textarea")?.focus({ preventScroll: true });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") document.querySelector("#fn-stop")?.click();
    });
    watch("value", () => {
      const turn = element.querySelector(".fn-turn");
      if (turn && turn.getBoundingClientRect().bottom > innerHeight - 120) turn.scrollIntoView({ block: "end" });
    });
  }

  if (role === "panel") {
    window.footnoteShow = () => {
      const card = element.querySelector(".fn-chosen");
      if (!card) return;
      const target = card.querySelector(".fn-support") ?? card;
      if (narrow()) card.scrollIntoView({ block: "start", behavior: calm });
      else target.scrollIntoView({ block: "nearest", behavior: calm });
      card.focus({ preventScroll: true });
    };
    watch("value", window.footnoteShow);
    element.addEventListener("click", (event) => {
      if (event.target.closest("[data-action=back]")) {
        const chip = window.footnoteOpened?.isConnected ? window.footnoteOpened : document.querySelector("#fn-box textarea");
        chip?.scrollIntoView({ block: "center", behavior: calm });
        chip?.focus({ preventScroll: true });
      }
    });
  }
}

// The checked sentences, and the paper that one of their sources opens; `role` says which. All content comes from the server.
({ role, element, trigger, watch }) => {
  if (role === "list") {
    // The list is sent anew with every sentence that is checked: what had the focus gets it back.
    let focused = null;
    const placeOf = (button) => `button[data-sentence="${button.dataset.sentence}"][data-source="${button.dataset.source}"]`;
    element.addEventListener("focusin", (event) => {
      const button = event.target.closest("button[data-source]");
      focused = button ? placeOf(button) : null;
    });
    element.addEventListener("focusout", (event) => {
      setTimeout(() => { if (event.target.isConnected && event.target !== document.activeElement) focused = null; });
    });
    watch("value", () => {
      const opened = window.footnoteSource;
      if (opened && !opened.button.isConnected) {
        opened.button = element.querySelector(opened.place) ?? opened.button;
        opened.button.classList.toggle("fn-active", Boolean(document.querySelector("#fn-check-paper .fn-card")));
      }
      if (focused && document.activeElement === document.body) element.querySelector(focused)?.focus({ preventScroll: true });
    });
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-source]");
      if (!button) return;
      element.querySelectorAll(".fn-active").forEach((other) => other.classList.remove("fn-active"));
      button.classList.add("fn-active");
      window.footnoteSource = { button, place: placeOf(button) };
      trigger("select", { sentence: button.dataset.sentence, source: button.dataset.source });
    });
  }

  if (role === "paper") {
    const close = () => {
      trigger("clear");
      const button = window.footnoteSource?.button;
      button?.classList.remove("fn-active");
      if (button?.isConnected) button.focus();
    };
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button?.dataset.action === "close") close();
      if (button?.dataset.action === "question") trigger("example_select", { question: button.dataset.text });
    });
    element.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
    watch("value", () => {
      const card = element.querySelector(".fn-card");
      if (!card) return;
      (element.querySelector(".fn-support") ?? card).scrollIntoView({ block: "nearest" });
      card.focus({ preventScroll: true });
    });
  }
}

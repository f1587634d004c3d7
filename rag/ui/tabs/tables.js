// The table, the paper that one of its cells opens, and files to save; `role` says which. All content comes from the server.
({ role, element, trigger, watch }) => {
  if (role === "table") {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-row]");
      if (!button) return;
      element.querySelectorAll(".fn-active").forEach((other) => other.classList.remove("fn-active"));
      button.classList.add("fn-active");
      window.footnoteCell = button;
      trigger("select", { row: button.dataset.row, column: button.dataset.column });
    });
  }

  if (role === "paper") {
    const close = () => {
      trigger("clear");
      window.footnoteCell?.classList.remove("fn-active");
      if (window.footnoteCell?.isConnected) window.footnoteCell.focus();
    };
    element.addEventListener("click", (event) => {
      const action = event.target.closest("button")?.dataset.action;
      if (action === "close") close();
      if (action === "question") trigger("example_select", { question: event.target.closest("button").dataset.text });
    });
    element.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
    watch("value", () => {
      const card = element.querySelector(".fn-card");
      if (!card) return;
      (element.querySelector(".fn-support") ?? card).scrollIntoView({ block: "nearest" });
      card.focus({ preventScroll: true });
    });
  }

  if (role === "file") {
    watch("value", () => {
      const file = element.querySelector(".fn-tables-file");
      if (!file) return;
      const address = URL.createObjectURL(new Blob([file.dataset.text], { type: `${file.dataset.kind};charset=utf-8` }));
      Object.assign(document.createElement("a"), { href: address, download: file.dataset.name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
      file.remove();
    });
  }
}

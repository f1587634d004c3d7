// The table of papers, the ticks and exports above it, the merged records below it and the paper beside it; `role` says which. All content comes from the server.
({ role, element, trigger, watch }) => {
  const table = () => document.querySelector("#fn-library-table");
  const boxes = () => [...(table()?.querySelectorAll("tbody input[type=checkbox]") ?? [])];

  const SETTLED_MS = 1500; // an answer to an earlier tick must not undo a later one
  const showTicks = (drawn) => {
    const rest = (window.footnoteTicked ?? 0) + SETTLED_MS - Date.now();
    if (drawn !== "drawn" && rest > 0) return void setTimeout(showTicks, rest);
    const line = document.querySelector("#fn-library-ticks [data-ticked]");
    const ticked = new Set(JSON.parse(line?.dataset.ticked ?? "[]"));
    boxes().forEach((box) => { box.checked = ticked.has(box.value); });
    showWhole();
  };
  const showWhole = () => {
    const whole = table()?.querySelector("[data-tick=page]");
    if (!whole) return;
    const all = boxes(), on = all.filter((box) => box.checked).length;
    whole.checked = on > 0 && on === all.length;
    whole.indeterminate = on > 0 && on < all.length;
  };
  // The whole page every time: what is sent twice or late does no harm.
  const sendTicks = () => {
    window.footnoteTicked = Date.now();
    const all = boxes();
    trigger("tick", {
      what: "page",
      shown: all.map((box) => box.value),
      ticked: all.filter((box) => box.checked).map((box) => box.value),
    });
  };

  if (role === "ticks") {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-tick]");
      if (!button) return;
      window.footnoteTicked = 0;
      trigger("tick", { what: button.dataset.tick, shown: [], ticked: [] });
    });
    watch("value", () => showTicks());
    return;
  }

  if (role === "merges") {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button || button.disabled) return;
      const { undo, merges } = button.dataset;
      if (undo === undefined) trigger("apply", { page: merges });
      else trigger("tick", { undo });
    });
    watch("value", () => element.querySelector(".fn-merges")?.focus({ preventScroll: true }));
    return;
  }

  if (role === "export") {
    // Where papers are ticked, they are meant.
    element.addEventListener("toggle", (event) => {
      if (!event.target.open) return;
      const ticked = document.querySelector("#fn-library-ticks [data-tick=none]");
      element.querySelector("[data-which]").value = ticked ? "ticked" : "found";
    }, true);
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-export]");
      if (!button) return;
      const menu = button.closest(".fn-menu");
      const [which, style] = ["[data-which]", "[data-style]"].map((field) => menu.querySelector(field).value.trim());
      menu.open = false;
      menu.querySelector("summary").focus();
      trigger("download", { which, format: button.dataset.export, style });
    });
    return;
  }

  if (role === "paper") {
    // Where a paper was opened, reading begins there; on narrow screens it lies below the table.
    watch("value", () => {
      const paper = element.querySelector(".fn-library-paper");
      if (!paper) return;
      if (!matchMedia("(min-width: 1100px)").matches) paper.scrollIntoView({ block: "start" });
      paper.focus({ preventScroll: true });
    });
    return;
  }

  // A table that was drawn anew gives the focus back to what had it.
  let focus = "";
  const remember = (button) => {
    const name = ["sort", "page", "open"].find((one) => one in button.dataset);
    focus = name === "page" ? `[data-page]:nth-of-type(${1 + [...button.parentElement.querySelectorAll("button")].indexOf(button)})`
      : `[data-${name}="${CSS.escape(button.dataset[name])}"]`;
  };
  element.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.open !== undefined) {
      element.querySelectorAll("tr.fn-library-open").forEach((row) => row.classList.remove("fn-library-open"));
      button.closest("tr").classList.add("fn-library-open");
      trigger("select", { paper: button.dataset.open });
      return;
    }
    remember(button);
    const { sort = "", descending = "", page = "" } = button.dataset;
    trigger("apply", { sort, descending, page });
  });
  element.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick=page]")) {
      const on = event.target.checked;
      boxes().forEach((box) => { box.checked = on; });
    }
    showWhole();
    sendTicks();
  });
  watch("value", () => {
    showTicks("drawn");
    if (!focus) return;
    const again = element.querySelector(focus);
    focus = "";
    (again && !again.disabled ? again : element.querySelector("[data-sort]"))?.focus({ preventScroll: !!again });
    if (again?.dataset.page) element.scrollIntoView({ block: "start" });
  });
}

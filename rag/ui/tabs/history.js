// One function for the parts of the kept conversations; `role` says which. All content comes from the server:
// nothing here makes markup from text.
({ role, element, trigger, watch }) => {
  const column = () => document.querySelector("#fn-history");
  const item = (id) => element.querySelector(`.fn-history-item[data-id="${CSS.escape(id)}"]`);
  const close = (menu, focus) => {
    if (!menu?.open) return;
    menu.open = false;
    if (focus) menu.querySelector("summary")?.focus();
  };

  // Which citation style is wanted; a menu that opens anew offers the last one.
  const styleOf = (menu) => menu?.querySelector("[data-style]")?.value.trim() ?? "";

  if (role === "head") {
    // Folded at first where it would push the conversation off a small screen; what was chosen is remembered.
    const button = element.querySelector("[data-action=fold]");
    const wide = matchMedia("(min-width: 1000px)").matches;
    const remembered = () => { try { return localStorage.getItem("fn-history"); } catch { return null; } };
    const fold = (folded) => {
      column().classList.toggle("fn-folded", folded);
      element.querySelector("[data-action=fold]").setAttribute("aria-expanded", String(!folded));
    };
    fold(wide ? remembered() === "folded" : true);
    element.addEventListener("click", (event) => {
      if (!event.target.closest("[data-action=fold]")) return;
      const folded = !column().classList.contains("fn-folded");
      fold(folded);
      if (wide) try { localStorage.setItem("fn-history", folded ? "folded" : "open"); } catch { /* private window */ }
    });
    // Menus of the list and of the answers: they fit the window, whatever scrolls around them; Escape and a click
    // elsewhere close them.
    const place = (menu) => {
      const sheet = menu.querySelector(".fn-menu-sheet");
      const at = menu.querySelector("summary").getBoundingClientRect();
      const start = menu.matches(".fn-history-menu") ? at.right - sheet.offsetWidth : at.left;
      sheet.style.left = `${Math.max(8, Math.min(start, innerWidth - sheet.offsetWidth - 8))}px`;
      sheet.style.top = `${Math.max(8, Math.min(at.bottom + 4, innerHeight - sheet.offsetHeight - 8))}px`;
    };
    const placeAll = () => document.querySelectorAll(".fn-menu[open]").forEach(place);
    document.addEventListener("toggle", (event) => { if (event.target.matches?.(".fn-menu[open]")) place(event.target); }, true);
    document.addEventListener("toggle", (event) => {
      const field = event.target.matches?.(".fn-menu[open]") && event.target.querySelector("[data-style]");
      if (field && !field.value) try { field.value = localStorage.getItem("fn-style") ?? ""; } catch { /* private window */ }
    }, true);
    document.addEventListener("change", (event) => {
      if (!event.target.matches?.("[data-style]")) return;
      try { localStorage.setItem("fn-style", event.target.value.trim()); } catch { /* private window */ }
    });
    document.addEventListener("scroll", placeAll, { capture: true, passive: true });
    addEventListener("resize", placeAll);
    document.addEventListener("click", (event) => {
      document.querySelectorAll(".fn-menu[open]").forEach((menu) => {
        if (!menu.contains(event.target)) close(menu, false);
      });
    });
    document.addEventListener("keydown", (event) => {
      const menu = event.target.closest?.(".fn-menu[open]");
      if (event.key !== "Escape" || !menu) return;
      event.stopImmediatePropagation();
      close(menu, true);
    }, true);
    button.dataset.ready = "1";
  }

  if (role === "list") {
    const rename = (row) => {
      const open = row.querySelector(".fn-history-open");
      const old = row.querySelector(".fn-history-title").textContent;
      const input = Object.assign(document.createElement("input"), { value: old, className: "fn-history-input", maxLength: 120 });
      input.setAttribute("aria-label", "New title of the conversation");
      let done = false;
      const end = (keep) => {
        if (done) return;
        done = true;
        const title = input.value.trim();
        input.replaceWith(open);
        open.focus();
        if (keep && title && title !== old) {
          window.footnoteFocus = row.dataset.id;
          trigger("edit", { conversation: row.dataset.id, title });
        }
      };
      input.addEventListener("keydown", (event) => {
        event.stopPropagation();
        if (event.key !== "Enter" && event.key !== "Escape") return;
        event.preventDefault(); // else the button that comes back into focus is pressed as well
        end(event.key === "Enter");
      });
      input.addEventListener("blur", () => end(true));
      open.replaceWith(input);
      input.select();
    };
    const sure = (row, asked) => {
      row.querySelector(".fn-history-sure").hidden = !asked;
      row.querySelector("[data-action=ask-delete]").hidden = asked;
      row.querySelector(asked ? "[data-action=keep]" : "[data-action=ask-delete]").focus();
    };
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      const row = event.target.closest(".fn-history-item");
      if (!button || !row) return;
      const { action, format } = button.dataset;
      const conversation = row.dataset.id;
      const menu = row.querySelector(".fn-menu");
      if (action === "ask-delete" || action === "keep") return sure(row, action === "ask-delete");
      close(menu, action === "export");
      if (action === "open") {
        // An answer that is on its way belongs to the conversation that it was asked in.
        const stop = document.querySelector("#fn-stop");
        if (stop.checkVisibility()) return stop.focus();
        window.footnoteFocus = conversation;
        trigger("select", { conversation });
      } else if (action === "rename") rename(row);
      else if (action === "export") trigger("download", { conversation, format, turn: "", style: styleOf(menu) });
      else if (action === "delete") {
        window.footnoteFocus = row.nextElementSibling?.dataset.id ?? row.previousElementSibling?.dataset.id ?? "";
        trigger("delete", { conversation });
      }
    });
    element.addEventListener("keydown", (event) => {
      if (!["ArrowDown", "ArrowUp"].includes(event.key) || !event.target.matches(".fn-history-open")) return;
      const all = [...element.querySelectorAll(".fn-history-open")];
      const next = all[all.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
      if (next) { event.preventDefault(); next.focus(); }
    });
    // The list may come anew while one of its menus is open.
    let unfolded = "";
    element.addEventListener("toggle", (event) => {
      if (!event.target.matches(".fn-history-menu")) return;
      const id = event.target.closest(".fn-history-item").dataset.id;
      if (event.target.open) unfolded = id;
      else if (unfolded === id) unfolded = "";
    }, true);
    watch("value", () => {
      const menu = unfolded && item(unfolded)?.querySelector(".fn-menu");
      if (menu && !menu.open) {
        menu.open = true;
        menu.querySelector("summary").focus();
      }
      const id = window.footnoteFocus;
      if (id === undefined) return;
      window.footnoteFocus = undefined;
      const next = item(id)?.querySelector(".fn-history-open") ?? document.querySelector("#fn-history-search textarea, #fn-history-search input");
      next?.focus();
    });
  }

  if (role === "foot") {
    element.addEventListener("click", (event) => {
      if (event.target.closest("[data-action=evaluation]")) trigger("download", { conversation: "", format: "evaluation", turn: "", style: "" });
    });
  }

  if (role === "answers") {
    // The buttons stand below the answers, in a part of the page that knows nothing of keeping.
    document.addEventListener("click", (event) => {
      const button = event.target.closest?.("#fn-conversation .fn-keep button, #fn-conversation .fn-thumb");
      if (!button) return;
      const { action, id, format } = button.dataset;
      const bar = button.closest(".fn-actions");
      const menu = button.closest(".fn-menu");
      const pressed = () => Number(bar.querySelector(".fn-thumb[aria-pressed=true]")?.dataset.rating ?? 0);
      if (action === "rate") {
        const on = button.getAttribute("aria-pressed") !== "true";
        bar.querySelectorAll(".fn-thumb").forEach((thumb) => thumb.setAttribute("aria-pressed", String(on && thumb === button)));
        trigger("like", { turn: id, rating: pressed(), note: null });
      } else if (action === "note") {
        const note = menu.querySelector("textarea").value;
        menu.querySelector("summary").textContent = note.trim() ? "Note ✓" : "Note";
        trigger("like", { turn: id, rating: pressed(), note });
        close(menu, true);
      } else if (action === "export") {
        close(menu, true);
        trigger("download", { conversation: "", format, turn: id, style: styleOf(menu) });
      }
    });
  }

  if (role === "download") {
    watch("value", () => {
      const made = element.querySelector("[data-file]");
      if (!made) return;
      const bytes = Uint8Array.from(atob(made.dataset.file), (c) => c.charCodeAt(0));
      const address = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
      Object.assign(document.createElement("a"), { href: address, download: made.dataset.name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    });
  }
}

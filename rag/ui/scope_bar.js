// The line of the scope: its buttons say what they do, the server answers.
({ element, trigger }) => {
  element.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-action]");
    if (button?.dataset.action === "edit") trigger("expand");
    if (button?.dataset.action === "clear") trigger("clear");
    if (button?.dataset.action === "remove") trigger("select", { part: button.dataset.part });
  });
}

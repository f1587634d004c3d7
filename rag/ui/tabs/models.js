// Buttons of the model page: what they do is done by the server, except copying a command.
({ element, trigger }) => {
  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.text);
    } catch {
      // Without https or loopback the browser has no clipboard; a selection can still be copied.
      const area = Object.assign(document.createElement("textarea"), { value: button.dataset.text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
  element.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-action]");
    if (!button) return;
    const { action, name } = button.dataset;
    if (action === "copy") copy(button);
    else trigger("select", { action, name });
  });
}

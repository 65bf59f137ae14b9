// What a page does without its WASM: the look, the link of a room, the dialogs. It runs before anything is drawn, and
// listens at the window, so that it also serves what comes later.
{
  const root = document.documentElement;
  root.toggleAttribute('data-script', true);
  root.toggleAttribute('data-share', 'share' in navigator);

  const LOOKS = ['auto', 'light', 'dark'];
  const wear = (look) => {
    root.dataset.theme = look;
    for (const bar of document.querySelectorAll('meta[name=theme-color]')) {
      const { scheme } = bar.dataset;
      bar.media = look === 'auto' ? `(prefers-color-scheme: ${scheme})` : look === scheme ? 'all' : 'not all';
    }
  };
  // Storage may be forbidden; then a look lasts as long as its page.
  const wearChosen = () => {
    let chosen;
    try { chosen = localStorage.getItem('flasky.look'); } catch { }
    wear(LOOKS.includes(chosen) ? chosen : 'auto');
  };
  const changeLook = () => {
    const look = LOOKS[(LOOKS.indexOf(root.dataset.theme) + 1) % LOOKS.length];
    wear(look);
    try { localStorage.setItem('flasky.look', look); } catch { }
  };
  wearChosen();
  addEventListener('storage', ({ key }) => { if (key === 'flasky.look') wearChosen(); });

  const field = () => document.getElementById('link');
  const link = () => new URL(field().getAttribute('value'), location).href;
  addEventListener('DOMContentLoaded', () => { if (field()) field().value = link(); });
  const copyLink = async (button) => {
    try {
      await navigator.clipboard.writeText(link());
    } catch {
      // There is no clipboard on plain HTTP beyond this machine; what is selected can be copied by hand.
      const dialog = field().closest('dialog');
      if (!dialog.open) dialog.showModal();
      field().focus();
      field().select();
      return;
    }
    const said = button.querySelector('[role=status]');
    said.textContent = button.dataset.copied;
    setTimeout(() => { said.textContent = ''; }, 2000);
  };

  // Safari 26.1, Firefox 143, Chrome 134 and older do not know what `command` means.
  const knowsCommands = 'command' in HTMLButtonElement.prototype;
  const obey = (button) => {
    const dialog = document.getElementById(button.getAttribute('commandfor'));
    if (button.getAttribute('command') === 'close') dialog.close(); else dialog.showModal();
  };

  // A dialog gives the focus back to what opened it. What was in a menu is gone with it: then to what opens the menu.
  addEventListener('close', () => {
    if (!document.activeElement.checkVisibility()) document.querySelector('[popovertarget=tools]')?.focus();
  }, true);

  addEventListener('click', (event) => {
    const pressed = event.target.closest('[data-look], [data-copied], [data-shares], [commandfor]');
    if (!pressed) return;
    if ('look' in pressed.dataset) changeLook();
    else if ('shares' in pressed.dataset) navigator.share({ url: link() }).catch(() => { });
    else if ('copied' in pressed.dataset) {
      event.preventDefault();
      copyLink(pressed);
    } else if (!knowsCommands) obey(pressed);
  });
}

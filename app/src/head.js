// What has to be done before the first paint: the look that was chosen on this device, what styles must know, and what
// can be pressed at once.
{
  const root = document.documentElement;
  root.toggleAttribute('data-script', true);
  root.toggleAttribute('data-share', 'share' in navigator);
  let chosen;
  // Storage may be forbidden.
  try { chosen = localStorage.getItem('flasky.look'); } catch { }
  const look = ['light', 'dark'].includes(chosen) ? chosen : 'auto';
  root.dataset.theme = look;
  if (look !== 'auto') {
    for (const bar of document.querySelectorAll('meta[name=theme-color]')) {
      bar.media = look === bar.dataset.scheme ? 'all' : 'not all';
    }
  }

  // Until the program is here: the link of a room is shown, and dialogs open where browsers do not know `command`.
  addEventListener('click', (event) => {
    const pressed = event.target.closest('.chip.code, [commandfor]');
    if (!pressed || root.hasAttribute('data-hydrated')) return;
    document.getElementById('link').value = document.querySelector('.chip.code').href;
    if (pressed.matches('a')) event.preventDefault();
    else if ('command' in pressed) return;
    const dialog = document.getElementById(pressed.getAttribute('commandfor') ?? 'invite');
    if (pressed.getAttribute('command') === 'close') dialog.close(); else dialog.showModal();
  });
}

// What has to be done before the first paint: the look that was chosen on this device, what styles must know, and what
// can be pressed at once.
{
  const root = document.documentElement;
  root.toggleAttribute('data-script', true);
  root.toggleAttribute('data-share', 'share' in navigator);
  let chosen, compact, rooms;
  // Storage may be forbidden.
  try { [chosen, compact, rooms] = ['look', 'compact', 'rooms'].map((key) => localStorage.getItem(`flasky.${key}`)); } catch { }
  root.toggleAttribute('data-compact', Boolean(compact));
  // They are listed later, below what is there.
  root.toggleAttribute('data-rooms', Boolean(rooms));
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
    // That of shortcuts comes later.
    if (!dialog) return;
    if (pressed.getAttribute('command') === 'close') dialog.close(); else dialog.showModal();
  });

  // Enter sends from the start. One message is posted at once, so that others need not wait for the program here, and
  // remembered until that sends it, or does not start and the form is posted (see the boot script): under the same id it is
  // the same message. In an attribute, because the elements must stay as they are until then.
  addEventListener('keydown', (event) => {
    const { target, key, shiftKey, ctrlKey, metaKey, isComposing, keyCode } = event;
    if (key !== 'Enter' || shiftKey || isComposing || keyCode === 229 || !target.matches('html:not([data-hydrated]) #body')) return;
    if (event.defaultPrevented || (matchMedia('(pointer: coarse)').matches && !ctrlKey && !metaKey)) return;
    event.preventDefault();
    target.form.requestSubmit();
  });
  addEventListener('submit', (event) => {
    if (!event.target.matches('[data-script]:not([data-hydrated]) #composer')) return;
    event.preventDefault();
    const { dataset, elements: { body } } = event.target;
    if ('early' in dataset || !body.value.trim()) return;
    const { action } = event.target;
    // Read to its end: whoever loads a page then would break it off.
    fetch(action, { method: 'POST', body: new URLSearchParams(new FormData(event.target)) })
      .then((answer) => answer.text()).catch(() => {});
    [document.getElementById('connecting').textContent, dataset.early] = [dataset.connecting, body.value];
    body.focus(), body.select(), document.execCommand('delete');
  });

  // The page can be the answer to a form. Then it gets its own address, so that reloading it does not send the form again.
  if (location.pathname.startsWith('/api/')) history.replaceState(null, '', root.dataset.path);

  // Before the program is here, the answer to the form of a room is the room's page itself, which saves a round trip. The
  // form is sent once, however often it is pressed while the answer is on its way.
  addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.matches('[data-script]:not([data-hydrated]) [action^="/api/enter"]')) return;
    if (form.ariaBusy) return event.preventDefault();
    [form.action, form.ariaBusy] = ['/api/enter?in_place', 'true'];
    setTimeout(() => { form.ariaBusy = null; }, 20000);
    try { localStorage.setItem('flasky.name', form.elements.name.value); } catch { }
  });
  // What is typed comes along into another language, as the program keeps it.
  addEventListener('submit', (event) => {
    if (!event.target.matches('[data-script]:not([data-hydrated]) .languages')) return;
    const [name, composer] = ['name', 'composer'].map((id) => document.getElementById(id));
    try {
      if (name) sessionStorage.setItem('flasky.typed', JSON.stringify(Object.fromEntries(new FormData(name.form))));
      if (composer) sessionStorage.setItem(`flasky.draft.${composer.dataset.room}`, composer.elements.body.value);
    } catch { }
  });

  // A file that is dropped would be opened in the place of the page.
  for (const name of ['dragover', 'drop']) {
    addEventListener(name, (event) => event.dataTransfer?.types.includes('Files') && event.preventDefault());
  }
}

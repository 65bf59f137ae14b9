// Starts the browser's half of the program.
//
// Leptos takes over a page that is as the server wrote it. Where an extension or a translator was faster, the page is
// drawn anew instead. What they did while the parser was still at work is found out by a trap: that instance of the
// program then stands still in the middle of something, and a second one takes its place.

// Runs this. When it fails, nothing that it asked to be called for is called any more. wasm-bindgen's queue of tasks
// asks for a microtask once, and for the next one when that has run: without the first one no task runs, ever.
const undone = (run) => {
  const { addEventListener } = EventTarget.prototype;
  const { queueMicrotask } = window;
  const listeners = [];
  const tasks = [];
  EventTarget.prototype.addEventListener = function (...listener) {
    listeners.push([this, listener]);
    return addEventListener.apply(this, listener);
  };
  window.queueMicrotask = (task) => tasks.push(task);
  try {
    run();
    // Not at once: drawing and what it leads to would keep the page from answering together.
    for (const task of tasks) setTimeout(task);
  } catch (error) {
    for (const [target, listener] of listeners) target.removeEventListener(...listener);
    throw error;
  } finally {
    EventTarget.prototype.addEventListener = addEventListener;
    window.queueMicrotask = queueMicrotask;
  }
};

// What was typed into the page's fields, the field and the place in it where writing goes on, what is open, where the
// reader is, and what was sent early.
const collect = (app) => {
  const fields = [...app.querySelectorAll(':is(input, textarea)[id]')].map(({ id, value }) => [id, value]);
  const { id, selectionStart, selectionEnd } = document.activeElement ?? {};
  const opened = [...app.querySelectorAll('details')].map(({ open }) => open);
  const read = app.querySelector('.log')?.scrollTop;
  const early = document.getElementById('composer')?.dataset.early;
  return { fields, focused: id, caret: [selectionStart, selectionEnd], opened, read, early };
};

// Draws the page anew. What was typed is in its fields again before anything there looks at them. A page that cannot be
// drawn is left as it was: it works as it does without script.
const redraw = (app, program, { fields, focused, caret, opened, read, early }) => {
  const before = [...app.childNodes];
  try {
    app.replaceChildren();
    program.mount();
  } catch (error) {
    app.replaceChildren(...before);
    throw error;
  }
  for (const [id, value] of fields) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
  app.querySelectorAll('details').forEach((details, nth) => { details.open ||= opened[nth]; });
  if (read) app.querySelector('.log').scrollTop = read;
  const composer = document.getElementById('composer');
  if (composer && early !== undefined) composer.dataset.early = early;
  const field = focused && document.getElementById(focused);
  if (!field) return;
  field.focus();
  if (Number.isInteger(caret[0])) field.setSelectionRange(...caret);
};

// A translator puts elements of its own in the place of texts that the program goes on to change. Such a text takes its
// place again before the program does anything with it, so that what has changed is seen, and what is gone is gone.
const keepTexts = (app) => {
  const touched = ['nodeValue', 'parentNode', 'remove'];
  const keep = (text, translation) => {
    const restore = () => {
      for (const name of touched) delete text[name];
      if (!text.isConnected) translation.replaceWith(text);
    };
    for (const name of touched) {
      Object.defineProperty(text, name, {
        configurable: true,
        get: () => { restore(); return text[name]; },
        set: (value) => { restore(); text[name] = value; },
      });
    }
  };
  new MutationObserver((records) => {
    for (const { addedNodes, removedNodes, previousSibling, nextSibling } of records) {
      const translation = [...addedNodes, previousSibling, nextSibling].find((node) => node?.nodeName === 'FONT');
      for (const node of translation ? removedNodes : []) {
        if (node.nodeType === Node.TEXT_NODE && !node.isConnected) keep(node, translation);
      }
    }
  }).observe(app, { subtree: true, childList: true });
};

// Posts what was sent early, when the program does not start. What was typed since is in the box of the next page.
const postEarly = () => {
  const form = document.getElementById('composer');
  if (!form) return;
  const { body } = form.elements;
  const { early, room } = form.dataset;
  const draft = `flasky.draft.${room}`;
  // Storage may be forbidden.
  try {
    if (early !== undefined) sessionStorage.setItem(draft, body.value);
    else if (!body.value) body.value = sessionStorage.getItem(draft) ?? '';
    if (early === undefined) sessionStorage.removeItem(draft);
  } catch { }
  if (early === undefined) return;
  body.value = early;
  form.submit();
};

// The first paint needs the line and the processor first: until it is on the screen, not until its frame begins. A page
// in the background is not painted.
const painted = () => new Promise((done) => {
  if (document.hidden) done();
  else new PerformanceObserver(done).observe({ type: 'paint', buffered: true });
  setTimeout(done, 1000);
});

// Begins to open the socket of the room on the page: on a slow line, to and fro takes seconds. Where it cannot be opened,
// the program finds that out again, and says so.
const openSocket = (protocol) => {
  const code = document.getElementById('composer')?.elements.code?.value;
  if (code) return new WebSocket(`${location.origin.replace('http', 'ws')}/ws/${code}`, protocol);
};

const boot = async (wasm, script, again, outside, protocol) => {
  const root = document.documentElement;
  const app = document.getElementById('app');
  let changed = false;
  const observer = new MutationObserver(() => { changed = true; });
  observer.observe(app, { subtree: true, childList: true, characterData: true });
  await painted();
  // Beside the program and not after it, where the page will need it. The program finds it in the cache then.
  for (const chunk of app.querySelector('.pitch') ? outside : []) fetch(chunk).catch(() => {});
  const answer = fetch(wasm);
  const socket = answer.then(() => openSocket(protocol)).catch(() => {});
  const compiled = WebAssembly.compileStreaming(answer);
  const load = async (address) => {
    const [program, module_or_path] = await Promise.all([import(address), compiled]);
    await program.default({ module_or_path });
    program.take_socket(await socket);
    await program.fetch_chunks();
    return program;
  };
  try {
    const program = await load(script);
    observer.disconnect();
    let typed = collect(app);
    let redrawn = changed ? '' : undefined;
    performance.mark('hydrate-begin');
    try {
      undone(() => changed ? redraw(app, program, typed) : program.hydrate());
    } catch (error) {
      const second = await load(again);
      // The fields of the server's page could be written in meanwhile. Those of a page half drawn are not to be read.
      if (!changed) typed = collect(app);
      redraw(app, second, typed);
      redrawn = String(error);
    }
    // With the name of a mark: some browsers do not know the form with options, and throw.
    if (redrawn === undefined) performance.measure('hydrate', 'hydrate-begin');
    // Why, for who looks into a page that was reported.
    else root.setAttribute('data-redrawn', redrawn);
    keepTexts(app);
    setTimeout(() => {
      // What the server sent along is drawn: it would keep what was said when the room is gone.
      __RESOLVED_RESOURCES.length = 0;
      for (const script of document.querySelectorAll('body > script')) script.remove();
      root.toggleAttribute('data-hydrated', true);
    });
  } catch (error) {
    root.removeAttribute('data-script');
    document.getElementById('boot-failed').hidden = false;
    socket.then((begun) => begun?.close());
    postEarly();
    throw error;
  }
};

// Pieces that all views use: dialogs, problems in place, empty states, toasts, chips.
import {h, icon, put} from './dom.js';
import {percent, versionName, words} from './format.js';

let serial = 0;
export const nextId = (prefix) => `${prefix}-${++serial}`;

/** A heading row: title, what it is about, and actions at its end. */
export function heading(title, about, ...actions) {
  return h(
    'header',
    {class: 'heading'},
    h('div', {}, h('h1', {}, title), about && h('p', {class: 'about'}, about)),
    actions.length > 0 && h('div', {class: 'actions'}, actions),
  );
}

export function card(title, props, ...children) {
  const {class: kind, aside, ...rest} = props ?? {};
  const id = nextId('card');
  return h(
    'section',
    {class: ['card', kind], 'aria-labelledby': id, ...rest},
    h('div', {class: 'card-head'}, h('h2', {id}, title), aside),
    children,
  );
}

export function button(text, props, glyph) {
  const {class: kind, ...rest} = props ?? {};
  return h('button', {type: 'button', class: ['button', kind], ...rest}, glyph && icon(glyph), h('span', {}, text));
}

/** A problem where it belongs, with a way to try again. */
export function problemBox(problem, retry) {
  return h(
    'div',
    {class: 'problem', role: 'alert'},
    icon('alert'),
    h(
      'div',
      {},
      h('strong', {}, problem.title ?? 'Something went wrong'),
      h('p', {}, problem.message),
      problem.errors?.length > 0 &&
        h('ul', {}, problem.errors.map((error) => h('li', {}, h('code', {}, error.field), ` ${error.message}`))),
      retry && button('Try again', {class: 'small', on: {click: retry}}),
    ),
  );
}

/** What to do next where there is nothing yet. */
export function empty(title, text, ...actions) {
  return h('div', {class: 'empty'}, h('strong', {}, title), h('p', {}, text), actions);
}

export function loading() {
  return h('div', {class: 'loading', role: 'status'}, h('span', {class: 'sr'}, 'Loading'), h('i'), h('i'), h('i'));
}

/** Whether waiting may be all that is needed: nothing answers, or it is starting. */
export const passing = (problem) => problem.status === 0 || problem.status === 503;
export const AGAIN_AFTER = 3000;

/**
 * Fills an element with what `load` gives: while it waits, and when it fails, it says so there.
 * What may pass is tried again by itself; a failure stays until a success takes its place.
 */
export async function into(element, signal, load) {
  if (!element.hasChildNodes()) put(element, loading());
  try {
    const content = await load();
    if (!signal.aborted) put(element, content);
  } catch (problem) {
    if (signal.aborted || problem.name === 'AbortError') return;
    const again = () => !signal.aborted && into(element, signal, load);
    put(element, problemBox(problem, again));
    if (passing(problem)) setTimeout(again, AGAIN_AFTER);
  }
}

export function toast(text, kind = 'good') {
  const element = h('div', {class: ['toast', kind]}, icon(kind === 'good' ? 'check' : 'alert'), h('span', {}, text));
  document.getElementById('toasts').append(element);
  setTimeout(() => element.remove(), 6000);
}

/** A dialog of the page; Esc and its first button close it with null. */
export function dialog(title, build) {
  return new Promise((resolve) => {
    const id = nextId('dialog');
    const element = h('dialog', {'aria-labelledby': id}, h('h2', {id}, title));
    let result = null;
    const done = (value) => {
      result = value;
      element.close();
    };
    element.append(...build(done));
    element.addEventListener('click', (event) => event.target === element && done(null));
    element.addEventListener('close', () => {
      element.remove();
      resolve(result);
    });
    document.body.append(element);
    element.showModal();
  });
}

export function confirm(title, text, action, danger = true) {
  return dialog(title, (done) => [
    h('p', {}, text),
    h(
      'div',
      {class: 'dialog-actions'},
      button('Cancel', {on: {click: () => done(null)}}),
      button(action, {class: danger ? 'danger' : 'primary', data: {confirm: ''}, on: {click: () => done(true)}}),
    ),
  ]);
}

/** The filter of a list; `/` focuses it from anywhere. */
export function filterField(label, input) {
  const id = nextId('filter');
  return h(
    'div',
    {class: 'filter'},
    h('label', {for: id, class: 'sr'}, label),
    h('input', {id, type: 'search', placeholder: label, data: {filter: ''}, autocomplete: 'off', spellcheck: 'false',
      on: {input: (event) => input(event.target.value.trim().toLowerCase())}}),
    h('kbd', {'aria-hidden': 'true'}, '/'),
  );
}

export function chip(text, kind) {
  return h('span', {class: ['chip', kind]}, text);
}

export function versionChip(task) {
  if (!task.valid) return chip('invalid', 'bad');
  const served = task.servedVersion;
  return served?.version
    ? h('span', {class: 'chip accent', title: served.reason}, versionName(served), h('small', {}, words(served.form)))
    : h('span', {class: 'chip', title: 'The initial adapter: nothing has been taught yet'}, 'v0', h('small', {}, 'untaught'));
}

/** What serves stays: who said so. */
export function pinChip({pinnedBy}) {
  return pinnedBy ? h('span', {class: 'chip warn', data: {pinned: ''}, title: `Pinned by ${pinnedBy}: adaptations report and replace nothing`}, 'pinned') : null;
}

const OUTCOME = {PROMOTED: 'good', ROLLED_BACK: 'warn', RESET: 'warn', PINNED: 'warn', DRIFTED: 'bad', FAILED: 'bad', REFUSED: 'bad', EVALUATED: 'info'};

export function outcomeChip(outcome) {
  return chip(words(outcome), OUTCOME[outcome]);
}

/** A bar from 0 to 1, with an optional mark where it was before. */
export function bar(share, {before = null, kind = ''} = {}) {
  const fill = h('i', {class: 'bar-fill'});
  fill.style.width = percent(Math.max(0, Math.min(1, share)), 2);
  const track = h('span', {class: ['bar', kind], 'aria-hidden': 'true'}, fill);
  if (before !== null) {
    const mark = h('i', {class: 'bar-mark'});
    mark.style.left = percent(Math.max(0, Math.min(1, before)), 2);
    track.append(mark);
  }
  return track;
}

/** A command line with a button that copies it. */
export function copyable(line) {
  const copy = h('button', {type: 'button', class: 'icon', 'aria-label': `Copy: ${line}`}, icon('copy'));
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(line);
      toast('Copied');
    } catch {
      toast('The browser does not allow copying here; select the line instead.', 'bad');
    }
  });
  return h('div', {class: 'copyable'}, h('code', {tabindex: 0}, line), copy);
}

/** A list of terms; pairs whose value is null or false are left out. */
export function terms(pairs) {
  return h(
    'dl',
    {class: 'terms'},
    pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== false && value !== '')
      .map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value))),
  );
}

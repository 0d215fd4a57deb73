// The shell: which view is shown, the state of the connection, theme, keyboard, API key.
import {configure, enterKey} from './api.js';
import {button, dialog, nextId, toast} from './ui.js';
import {count, number} from './format.js';
import {h, icon, put} from './dom.js';
import {store} from './store.js';
import {overview} from './views/overview.js';
import {tasks} from './views/tasks.js';
import {taskForm} from './views/task-form.js';
import {task} from './views/task.js';
import {playground} from './views/playground.js';
import {live} from './views/live.js';
import {map} from './views/map.js';
import {letters} from './views/letters.js';

const main = document.getElementById('main');
let leave = new AbortController();

/** Hash routes; #/tasks/ID names one task, whatever its id contains. */
function route() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const parts = path.split('/').map(decodeURIComponent);
  const context = {query: new URLSearchParams(query)};
  switch (parts[0]) {
    case '':
      return {...context, name: 'overview', title: 'Overview', render: overview};
    case 'tasks':
      if (parts[1] === undefined) return {...context, name: 'tasks', title: 'Tasks', render: tasks};
      if (parts[2] === 'edit') return {...context, name: 'tasks', title: `Change ${parts[1]}`, taskId: parts[1], render: taskForm};
      return {...context, name: 'tasks', title: parts[1], taskId: parts[1], render: task};
    case 'define':
      return {...context, name: 'tasks', title: 'New task', render: taskForm};
    case 'playground':
      return {...context, name: 'playground', title: 'Playground', render: playground};
    case 'live':
      return {...context, name: 'live', title: 'Live', render: live};
    case 'map':
      return {...context, name: 'map', title: 'Map', render: map};
    case 'letters':
      return {...context, name: 'letters', title: 'Dead letters', render: letters};
    default:
      return {...context, name: '', title: 'Not found', render: notFound};
  }
}

function notFound() {
  return h('div', {class: 'view'}, h('h1', {}, 'There is no such view'), h('p', {}, h('a', {href: '#/'}, 'To the overview')));
}

function show(first) {
  leave.abort();
  leave = new AbortController();
  const to = route();
  document.title = `${to.title} · Hyperstream`;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.view === to.name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  put(main, to.render({...to, signal: leave.signal}));
  main.dataset.view = to.name;
  if (first) return;
  window.scrollTo(0, 0);
  main.focus({preventScroll: true});
}

/** Why tasks, versions, reports and dead letters may be old. */
let old = null;

function banner(state) {
  const place = document.getElementById('banner');
  if (state.phase !== 'waiting') {
    place.hidden = !old;
    place.dataset.text = '';
    put(place, old && [icon('alert'), h('span', {}, `What is shown may be old: ${old}`)]);
    return;
  }
  const refused = state.problem?.status === 401 || state.problem?.status === 403;
  const text = refused
    ? 'This application asks for an API key. '
    : `No connection to the application: ${state.problem?.message ?? ''} `;
  // Said once per outage, not at every attempt.
  if (place.dataset.text !== text || place.hidden) {
    put(place, icon('alert'), h('span', {}, text), h('span', {class: 'next', 'aria-hidden': 'true'}),
      refused
        ? button('Enter an API key', {class: 'small', on: {click: () => enterKey().then(() => store.retry())}})
        : button('Try now', {class: 'small', on: {click: () => store.retry()}}));
    place.dataset.text = text;
    place.hidden = false;
  }
}

function pulse() {
  const dot = document.querySelector('#pulse .dot');
  const text = document.getElementById('pulse-text');
  const rate = document.getElementById('pulse-rate');
  const latest = store.latest;
  const next = document.querySelector('#banner .next');
  if (next && store.connection.retryAt) {
    next.textContent = `Next try in ${Math.max(0, Math.ceil((store.connection.retryAt - Date.now()) / 1000))} s.`;
  }
  if (store.connection.phase !== 'open' || !latest) {
    dot.className = store.connection.phase === 'waiting' ? 'dot bad' : 'dot';
    text.textContent = store.connection.phase === 'waiting' ? 'Not connected' : 'Connecting';
    rate.textContent = '';
    return;
  }
  dot.className = latest.ready ? 'dot good' : 'dot warn';
  text.textContent = latest.ready ? 'Ready' : 'Not ready';
  rate.textContent = `${number(latest.answeredPerSecond)}/s`;
}

function keyPrompt(refused) {
  return dialog('API key', (done) => {
    const id = nextId('key');
    const input = h('input', {id, type: 'password', autocomplete: 'off', required: true, class: 'mono'});
    return [
      h('form', {on: {submit: (event) => {
        event.preventDefault();
        done(input.value.trim() || null);
      }}},
      h('p', {}, refused
        ? 'The application did not accept this key. It may have been mistyped or withdrawn.'
        : 'This application answers only with an API key. Who runs it can make one.'),
      h('label', {for: id}, 'Key'),
      input,
      h('p', {class: 'hint'}, 'Kept in this tab until it is closed, and sent to this application alone.'),
      h('div', {class: 'dialog-actions'},
        button('Cancel', {on: {click: () => done(null)}}),
        button('Use this key', {class: 'primary', type: 'submit'}))),
    ];
  });
}

const GO = {o: '#/', t: '#/tasks', p: '#/playground', l: '#/live', m: '#/map', d: '#/letters', n: '#/define'};
const SHORTCUTS = [
  ['/', 'filter the list'],
  ['g o', 'overview'],
  ['g t', 'tasks'],
  ['g n', 'new task'],
  ['g p', 'playground'],
  ['g l', 'live'],
  ['g m', 'map'],
  ['g d', 'dead letters'],
  ['↑ ↓', 'move in lists'],
  ['← →', 'read a chart'],
  ['Esc', 'close a dialog'],
];

function shortcuts() {
  return dialog('Keyboard', (done) => [
    h('dl', {class: 'keys'}, SHORTCUTS.filter(([, what]) => what !== 'map' || store.hasEmbeddings).map(([keys, what]) =>
      h('div', {}, h('dt', {}, keys.split(' ').map((key) => h('kbd', {}, key))), h('dd', {}, what)))),
    h('div', {class: 'dialog-actions'}, button('Close', {class: 'primary', on: {click: () => done(null)}})),
  ]);
}

let going = 0;

function keyboard(event) {
  const typing = event.target.closest?.('input, textarea, select, dialog');
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '/') {
    const filter = main.querySelector('[data-filter]');
    if (filter) {
      event.preventDefault();
      filter.focus();
      filter.select();
    }
  } else if (event.key === '?') {
    shortcuts();
  } else if (event.key === 'g') {
    going = Date.now();
  } else if (Date.now() - going < 1200 && GO[event.key]) {
    going = 0;
    event.preventDefault(); // else the letter is typed into what the view focuses
    location.hash = GO[event.key];
  }
}

function isDark() {
  return document.documentElement.dataset.theme === 'dark';
}

function labelTheme() {
  document.getElementById('theme').setAttribute('aria-label', isDark() ? 'Use the light theme' : 'Use the dark theme');
}

function switchTheme() {
  const theme = isDark() ? 'light' : 'dark';
  Object.assign(document.documentElement.dataset, {theme, themeBy: 'person'});
  try {
    localStorage.setItem('hyperstream.theme', theme);
  } catch {
    toast('The browser keeps nothing for this page: the theme is back at the next visit.', 'bad');
  }
  labelTheme();
}

/** Only a model with task embeddings has a map of them. */
function mapLink() {
  document.querySelector('nav a[data-view="map"]').hidden = !store.hasEmbeddings;
}

function counts() {
  document.getElementById('count-tasks').textContent = store.tasksLoaded ? count(store.tasks.size) : '';
}

configure({
  prompt: keyPrompt,
  // The first calls were made as nobody: who this is now decides what is offered.
  admitted: () => store.loadSession().catch(() => {}),
  ageing: (why) => {
    if (why === old) return;
    old = why;
    banner(store.connection);
  },
});
const forever = new AbortController().signal;
store.when('connection', forever, banner);
store.when('connection metrics', forever, pulse);
store.when('tasks', forever, counts);
store.when('model', forever, mapLink);
store.when('back', forever, () => {
  toast('Connected again');
  store.loadSession().catch(() => {});
});
setInterval(pulse, 1000);
document.getElementById('theme').addEventListener('click', switchTheme);
document.getElementById('keys').addEventListener('click', shortcuts);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', labelTheme);
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // the hash belongs to the routes
  main.focus();
});
document.addEventListener('keydown', keyboard);
window.addEventListener('hashchange', () => show(false));
labelTheme();
banner(store.connection);
// First who this is: a missing key is asked for once, before the streams need it.
store
  .loadSession()
  .catch(() => {})
  .finally(() => {
    store.start();
    show(true);
  });

// Predictions as they are committed. The table holds a bounded number of rows.
import {debounce, h, icon, put} from '../dom.js';
import {follow} from '../api.js';
import {QUIET, store} from '../store.js';
import {bar, button, empty, filterField, heading, nextId} from '../ui.js';
import {clock, count, millis, outcome, percent, plural} from '../format.js';

const ROWS = 150;

function row(prediction) {
  const took = new Date(prediction.predictedAt) - new Date(prediction.createdAt);
  const cell = (label, content, kind) => h('td', {'data-label': label, class: kind}, content);
  return h('tr', {data: {request: prediction.requestId}},
    cell('Time', h('time', {datetime: prediction.predictedAt, class: 'mono'}, clock(prediction.predictedAt))),
    cell('Task', h('a', {href: `#/tasks/${encodeURIComponent(prediction.taskId)}`}, prediction.taskId)),
    cell('Text', prediction.input ? h('span', {class: 'clip', title: prediction.input}, prediction.input) : h('code', {class: 'muted clip'}, prediction.requestId), 'wide'),
    cell('Answer', h('b', {class: 'clip'}, outcome(prediction))),
    cell('Score', h('span', {class: 'score'}, bar(prediction.score), h('span', {class: 'num'}, percent(prediction.score)))),
    cell('Version', h('span', {class: 'one-line'}, h('span', {class: 'mono'}, `v${prediction.adapterVersion}`),
      prediction.taught === false && h('small', {class: 'muted', title: 'not taught yet: the initial adapter answered'}, ' untaught'))),
    cell('Took', h('span', {class: 'num one-line'}, took >= 0 ? millis(took) : '–')));
}

export function live({signal, query}) {
  let wanted = '';
  let paused = false;
  let missed = 0;
  let skipped = 0;
  let shown = 0;
  let stream = new AbortController();
  let pending = [];
  let frame = 0;
  const body = h('tbody');
  const table = h('table', {class: 'table live', hidden: true},
    h('thead', {}, h('tr', {}, ['Time', 'Task', 'Text', 'Answer', 'Score', 'Version', 'Took'].map((name) => h('th', {scope: 'col'}, name)))),
    body);
  const none = empty('Waiting for predictions', 'Nothing has been answered since this page was opened. Send something:',
    h('code', {class: 'command'}, 'echo "please freeze my account" | hyperstream produce --task TASK'));
  const status = h('p', {class: 'live-status'});
  const dot = h('i', {class: 'dot'});
  const words = h('span', {role: 'status'});
  const numbers = h('span', {class: 'muted num'});
  status.append(dot, words, numbers);

  const tell = () => {
    const what = [`${plural(shown, 'prediction')} shown`];
    if (skipped) what.push(`${count(skipped)} skipped: too many to show`);
    if (paused && missed) what.push(`${count(missed)} came while paused`);
    numbers.textContent = what.join(' · ');
  };
  const matches = (prediction) =>
    !wanted || `${prediction.taskId} ${prediction.input ?? ''} ${outcome(prediction)}`.toLowerCase().includes(wanted);
  const flush = () => {
    frame = 0;
    const fresh = pending;
    pending = [];
    for (const prediction of fresh) body.prepend(row(prediction));
    shown += fresh.length;
    while (body.children.length > ROWS) body.lastChild.remove();
    table.hidden = !body.hasChildNodes();
    none.hidden = body.hasChildNodes();
    tell();
  };
  const arrived = (prediction) => {
    if (paused) {
      missed++;
      if (!frame) frame = requestAnimationFrame(() => ((frame = 0), tell()));
    } else if (matches(prediction)) {
      pending.push(prediction);
      if (pending.length > ROWS) pending.shift();
      if (!frame) frame = requestAnimationFrame(flush);
    }
  };

  const id = nextId('live-task');
  const choice = h('select', {id});
  const choose = () => {
    const now = choice.value || query.get('task') || '';
    put(choice, h('option', {value: ''}, 'All tasks'), [...store.tasks.keys()].sort().map((taskId) => h('option', {value: taskId, selected: taskId === now}, taskId)));
  };
  const connect = () => {
    stream.abort();
    stream = new AbortController();
    if (signal.aborted || document.hidden) return;
    const task = choice.value;
    follow(`api/stream/predictions${task ? `?task=${encodeURIComponent(task)}` : ''}`, {
      signal: stream.signal,
      silence: QUIET,
      on: {
        prediction: arrived,
        skipped: (event) => {
          skipped += event.count;
          if (!frame) frame = requestAnimationFrame(flush);
        },
      },
      state: ({phase, problem}) => {
        dot.className = phase === 'open' ? 'dot good' : 'dot bad';
        words.textContent = phase === 'open' ? (paused ? 'Paused' : 'Live') : problem?.message ?? 'Not connected';
      },
    });
  };
  const pause = h('button', {type: 'button', class: 'button', id: 'pause', 'aria-pressed': 'false'});
  const label = () => {
    put(pause, icon(paused ? 'play' : 'pause'), h('span', {}, paused ? 'Go on' : 'Pause'));
    pause.setAttribute('aria-pressed', String(paused));
    words.textContent = paused ? 'Paused' : 'Live';
  };
  pause.addEventListener('click', () => {
    paused = !paused;
    if (!paused) missed = 0;
    label();
    tell();
  });
  const clear = () => {
    pending = []; // rows that wait for the next frame belong to what is cleared
    put(body);
    flush();
  };
  choice.addEventListener('change', () => {
    clear();
    connect();
  });
  const refilter = debounce(150, () => {
    for (const tr of [...body.children]) tr.hidden = Boolean(wanted) && !tr.textContent.toLowerCase().includes(wanted);
  });

  store.when('tasks', signal, choose);
  choose();
  label();
  words.textContent = 'Connecting';
  tell();
  document.addEventListener('visibilitychange', connect, {signal});
  signal.addEventListener('abort', () => stream.abort());
  connect();

  return h('div', {class: 'view'},
    heading('Live', 'Answers as they are committed to the topic of predictions.',
      filterField('Filter by text', (text) => {
        wanted = text;
        refilter();
      }),
      h('label', {for: id, class: 'sr'}, 'Task'), choice, pause,
      button('Clear', {on: {click: () => ((shown = 0), (skipped = 0), clear())}})),
    status, none, table);
}

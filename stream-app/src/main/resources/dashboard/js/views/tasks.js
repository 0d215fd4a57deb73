// All tasks: version that serves, accuracy, examples.
import {h, icon, put, roving} from '../dom.js';
import {sparkline} from '../charts.js';
import {store} from '../store.js';
import {api, taskPath} from '../api.js';
import {confirm, empty, filterField, heading, into, pinChip, toast, versionChip} from '../ui.js';
import {count, percent, plural, words} from '../format.js';
import {accuracyOf, accuracyPoints} from './reports.js';

const SHOWN = 200;
const AGAIN = 15_000;

function accuracyCell(task, points) {
  const {accuracy} = task;
  if (!accuracy?.of) return h('span', {class: 'muted'}, accuracy?.version ? `no label since v${accuracy.version}` : 'no labels yet');
  return h('div', {class: 'accuracy', title: `v${accuracy.version} was right in ${percent(accuracy.share)} ${accuracyOf(accuracy)} since it serves`},
    sparkline(points.map(({accuracy}) => accuracy), {high: 1, label: `running accuracy over ${points.length} reports`}),
    h('b', {class: 'num'}, percent(accuracy.share)),
    h('small', {}, `of ${count(accuracy.of)}`));
}

function examplesCell(task) {
  const {trained = 0, heldOut = 0} = task.examples ?? {};
  if (!trained && !heldOut) return h('span', {class: 'muted'}, '–');
  const bar = h('span', {class: 'split', 'aria-hidden': 'true'});
  for (const [kind, part] of [['trained', trained], ['held', heldOut]]) {
    const piece = h('i', {class: kind});
    piece.style.flexGrow = String(part);
    bar.append(piece);
  }
  return h('div', {class: 'examples', title: `${trained} to learn from, ${heldOut} held out for evaluation`},
    bar, h('span', {class: 'num'}, count(trained), heldOut > 0 && h('small', {}, ` + ${count(heldOut)}`)));
}

function labelsCell(task) {
  if (task.kind !== 'CLASSIFICATION') return h('span', {class: 'muted'}, words(task.kind));
  const names = task.labels.map(({name}) => name);
  return h('div', {class: 'labels', title: names.slice(0, 40).join(', ')},
    h('b', {class: 'num'}, count(names.length)), h('span', {}, names.slice(0, 4).join(' · '), names.length > 4 && ' …'));
}

export async function retire(task) {
  const agreed = await confirm(`Retire ${task.taskId}?`,
    'Requests for it become dead letters, and its examples and versions are erased. This cannot be undone.', 'Retire');
  if (!agreed) return false;
  try {
    await api.delete(taskPath(task.taskId));
  } catch (problem) {
    toast(`${task.taskId} was not retired: ${problem.message}`, 'bad');
    return false;
  }
  store.forgetTask(task.taskId);
  toast(`${task.taskId} is retired`);
  return true;
}

function row(task, points) {
  const href = `#/tasks/${encodeURIComponent(task.taskId)}`;
  const cell = (label, content, kind) => h('td', {'data-label': label, class: kind}, content);
  return h('tr', {data: {task: task.taskId}},
    h('th', {scope: 'row'},
      h('a', {href, data: {row: ''}}, task.taskId),
      h('span', {class: ['about', !task.valid && 'bad-text']}, task.valid ? task.description : task.problem)),
    cell('Labels', labelsCell(task)),
    cell('Serves', [versionChip(task), pinChip(task)]),
    cell('Accuracy', accuracyCell(task, points)),
    cell('Examples', examplesCell(task)),
    cell('', h('div', {class: 'row-actions'},
      h('a', {class: 'icon', href: `#/playground?tasks=${encodeURIComponent(task.taskId)}`, 'aria-label': `Try ${task.taskId}`, title: 'Try it'}, icon('playground')),
      store.may('admin') && h('button', {type: 'button', class: 'icon', 'aria-label': `Retire ${task.taskId}`, title: 'Retire', on: {click: () => retire(task)}}, icon('cross'))), 'end'));
}

/** Rows are recreated when something changes; what had the focus has it again afterwards. */
function focusIn(body) {
  const within = (row) => [...(row?.querySelectorAll('a, button') ?? [])];
  const row = document.activeElement?.closest?.('tr');
  if (!row || !body.contains(row)) return () => {};
  const at = within(row).indexOf(document.activeElement);
  return () => within(body.querySelector(`tr[data-task="${CSS.escape(row.dataset.task)}"]`))[at]?.focus();
}

export function tasks({signal}) {
  let wanted = '';
  const body = h('tbody');
  const note = h('p', {class: 'muted table-note', role: 'status'});
  const table = h('table', {class: 'table tasks'},
    h('thead', {}, h('tr', {}, ['Task', 'Labels', 'Serves', 'Accuracy', 'Examples', ''].map((name) =>
      h('th', {scope: 'col'}, name || h('span', {class: 'sr'}, 'Actions'))))),
    body);
  const remark = roving(table, '[data-row]');
  const content = h('div');

  const list = () => {
    const all = [...store.tasks.values()].sort((a, b) => a.taskId.localeCompare(b.taskId));
    if (!all.length) {
      return empty('No task is defined yet',
        'A task is a set of labels and a template. It answers at once and improves with every label you give.',
        h('a', {class: 'button primary', href: '#/define'}, 'Define the first task'));
    }
    const keep = focusIn(body);
    const points = new Map();
    for (const report of store.reports) {
      if (!points.has(report.taskId)) points.set(report.taskId, []);
      points.get(report.taskId).push(report);
    }
    const found = all.filter((task) =>
      [task.taskId, task.description, ...task.labels.map(({name}) => name)].some((text) => text?.toLowerCase().includes(wanted)));
    put(body, found.slice(0, SHOWN).map((task) => row(task, accuracyPoints(points.get(task.taskId) ?? []))));
    remark();
    keep();
    note.textContent = found.length > SHOWN
      ? `The first ${SHOWN} of ${count(found.length)}; filter to see others.`
      : wanted ? `${plural(found.length, 'task')} of ${count(all.length)}` : '';
    return [table, note];
  };
  const show = () => put(content, list());
  const load = () => into(content, signal, async () => {
    await store.loadTasks(signal);
    return list();
  });

  store.when('tasks reports session', signal, () => store.tasksLoaded && show());
  store.when('back', signal, load);
  const timer = setInterval(() => !document.hidden && store.loadTasks(signal).catch(() => {}), AGAIN);
  signal.addEventListener('abort', () => clearInterval(timer));
  load();
  store.loadReports(signal).catch(() => {});

  return h('div', {class: 'view'},
    heading('Tasks', 'All of them are answered by the same frozen model.',
      filterField('Filter tasks', (text) => {
        wanted = text;
        if (store.tasksLoaded) show();
      }),
      store.may('admin') && h('a', {class: 'button primary', href: '#/define', id: 'new-task'}, icon('plus'), h('span', {}, 'New task'))),
    content);
}

// One task: its definition, the version that serves, its history, and how to teach it.
import {h, icon, put} from '../dom.js';
import {LineChart} from '../charts.js';
import {api, taskPath} from '../api.js';
import {store} from '../store.js';
import {button, card, chip, confirm, empty, heading, into, pinChip, problemBox, terms, toast, versionChip} from '../ui.js';
import {bytes, count, moment, number, percent, plural, words} from '../format.js';
import {accuracyOf, accuracyPoints, reportEntry} from './reports.js';
import {balance, teach} from './teach.js';
import {commands} from './commands.js';
import {retire} from './tasks.js';

function definitionCard(task) {
  const described = task.labels.filter((label) => label.description);
  return card('Definition', {id: 'definition', aside: store.may('admin') &&
    h('a', {class: 'button small', href: `#/tasks/${encodeURIComponent(task.taskId)}/edit`}, 'Change')},
    !task.valid && h('div', {class: 'problem'}, icon('alert'), h('div', {}, h('strong', {}, 'This definition is not served'), h('p', {}, task.problem))),
    task.labels.length > 0 && h('div', {class: 'chips'}, task.labels.slice(0, 64).map(({name, verbalizer}) =>
      h('span', {class: 'chip', title: verbalizer ? `said as “${verbalizer}”` : null}, name)), task.labels.length > 64 && chip(`and ${task.labels.length - 64} more`)),
    described.length > 0 && h('div', {class: 'label-meanings'}, terms(described.slice(0, 64).map(({name, description}) => [name, description]))),
    terms([
      ['Answers', {CLASSIFICATION: 'one of its labels', REGRESSION: 'a number', GENERATION: 'a text'}[task.kind] ?? words(task.kind)],
      ['Template', h('code', {}, task.template)],
      ['Pairs', h('code', {}, task.templatePair)],
      ['Starts from', store.hasEmbeddings && (task.initFrom?.length ? task.initFrom.join(', ') : 'the known task of this name, if there is one')],
      ['Long texts', {REJECT: 'become dead letters', WINDOWS: 'are read in windows'}[task.overLength] ?? 'are cut'],
      ['Unsure answers', task.kind === 'CLASSIFICATION' && (task.abstainBelow > 0 ? `no label below a score of ${task.abstainBelow}` : 'every text gets a label')],
      ['Adapts', task.adaptation
        ? task.adaptation.enabled === false ? 'by command only' : `after ${count(task.adaptation.triggerExamples)} new examples, ${words(task.adaptation.method)}`
        : 'as the application is configured'],
    ]));
}

function versionRow(version, task, again) {
  const back = async (event) => {
    const pressed = event.currentTarget;
    const agreed = await confirm(`Serve version ${version.version} again?`,
      `It is published once more under the next number and pinned: nothing replaces it until you unpin it. Version ${task.servedVersion?.version ?? 0} stays in the history.`, 'Roll back', false);
    if (!agreed) return;
    pressed.disabled = true;
    again({action: 'ROLLBACK', version: version.version});
  };
  return h('li', {class: version.served && 'served', data: {version: version.version}},
    h('div', {class: 'report-top'},
      h('b', {class: 'mono'}, `v${version.version}`), chip(words(version.form)),
      version.served && chip('serves', 'accent'),
      h('time', {datetime: version.createdAt}, moment(version.createdAt)),
      !version.served && store.may('teach') && h('button', {type: 'button', class: 'icon', title: 'Roll back to this', 'aria-label': `Roll back to version ${version.version}`, on: {click: back}}, icon('undo'))),
    h('p', {class: 'reason'}, version.reason),
    h('div', {class: 'figures'}, h('span', {}, h('b', {}, count(version.examples)), ' examples'), h('span', {}, h('b', {}, bytes(version.bytes))),
      Object.entries(version.metrics ?? {}).filter(([name]) => name === 'accuracy').map(([name, value]) => h('span', {}, h('b', {}, percent(value)), ` ${name} when made`)),
      version.parent > 0 && h('span', {class: 'muted'}, `from v${version.parent}`)));
}

function stats(task) {
  const {trained = 0, heldOut = 0} = task.examples ?? {};
  const cell = (label, value, more) => h('div', {}, h('span', {}, label), h('b', {}, value), h('small', {}, more));
  const served = task.servedVersion;
  return h('div', {class: 'stats'},
    cell('Serves', served?.version ? `v${served.version}` : 'v0', served?.version ? `${words(served.form)}, ${moment(served.createdAt)}` : 'the initial adapter'),
    cell(`Accuracy of v${served?.version ?? 0}`, percent(task.accuracy?.share ?? null),
      task.accuracy?.of ? `${accuracyOf(task.accuracy)} it had not learnt` : 'no label yet since it serves, as of the latest report'),
    cell('Examples', count(trained + heldOut), heldOut ? `${count(trained)} for training, ${count(heldOut)} held out` : 'as of the latest report'),
    cell('Labels', task.kind === 'CLASSIFICATION' ? count(task.labels.length) : '–',
      task.kind === 'CLASSIFICATION' ? `${percent(1 / task.labels.length, task.labels.length > 20 ? 1 : 0)} by chance` : words(task.kind)));
}

/** Examples that nothing learns from now. */
function aside(task) {
  const labels = Object.entries(task.examples?.setAside ?? {});
  if (!labels.length) return null;
  const examples = labels.reduce((sum, [, n]) => sum + n, 0);
  return h('p', {class: 'muted', data: {aside: ''}}, `${plural(examples, 'example')} of ${plural(labels.length, 'label')} ${examples === 1 ? 'is' : 'are'} set aside, because the definition does not have ${labels.length === 1 ? 'it' : 'them'}: ${labels.slice(0, 20).map(([name]) => name).join(', ')}.`);
}

function balanceOf(task) {
  const labels = Object.entries(task.examples?.labels ?? {});
  if (labels.length) return [balance(labels, 64), aside(task)];
  return h('p', {class: 'muted'}, task.examples
    ? 'The latest report does not list its examples by label; the next one will.'
    : 'No report yet. The first attempt reports how many examples each label has.');
}

export function task({taskId, signal}) {
  const place = h('div', {class: 'stack'});
  into(place, signal, async () => {
    const found = await store.loadTask(taskId, signal);
    return page(found, signal);
  });
  return h('div', {class: 'view'}, h('a', {class: 'back', href: '#/tasks'}, icon('back'), 'Tasks'), place);
}

function page(first, signal) {
  const {taskId} = first;
  const current = () => store.tasks.get(taskId) ?? first;
  const head = h('div');
  const numbers = h('div');
  const definition = h('div');
  const labels = h('div', {class: 'kept'});
  const attempts = h('div');
  const versions = h('div');
  const chart = new LineChart({label: 'Running accuracy', format: (v) => percent(v), top: 1, height: 190, times: 'clock', dots: true,
    series: [{key: 'accuracy', label: 'right before the label counted', tone: 'c1'}]});
  const noPoints = h('p', {class: 'muted'});
  const command = commands({taskId, signal});

  const showTask = () => {
    const task = current();
    put(head, heading(h('span', {class: 'mono-title'}, task.taskId), task.description,
      versionChip(task), pinChip(task),
      h('a', {class: 'button primary', href: `#/playground?tasks=${encodeURIComponent(taskId)}`}, icon('playground'), h('span', {}, 'Try it')),
      store.may('admin') && button('Retire', {id: 'retire', class: 'danger-quiet', on: {click: async () => {
        if (await retire(task)) location.hash = '#/tasks';
      }}})));
    put(numbers, stats(task));
    put(definition, definitionCard(task));
    put(labels, balanceOf(task));
  };
  const showReports = () => {
    const reports = store.reportsOf(taskId);
    const points = accuracyPoints(reports);
    noPoints.hidden = points.length > 0;
    noPoints.textContent = 'Each label is first predicted by the served version. This shows how often the prediction was right, once there are labels.';
    chart.element.hidden = points.length === 0;
    if (points.length) {
      const published = reports.filter((report) => report.publishedVersion)
        .map((report) => ({t: new Date(report.finishedAt).getTime(), label: `v${report.publishedVersion}`}))
        .sort((a, b) => a.t - b.t);
      const from = points[0].t;
      const to = points.at(-1).t;
      const edge = Math.max(1000, (to - from) * 0.03);
      chart.update(points, [from - edge, to + edge], published);
    }
    put(attempts, reports.length
      ? h('ol', {class: 'attempts'}, reports.slice(0, 100).map(reportEntry))
      : empty('No attempt yet', `Paste labelled lines on this page. After ${count(current().adaptation?.triggerExamples ?? 8)} examples a challenger is trained and evaluated on examples it has not seen. It serves only if it is better.`));
  };
  const loadVersions = () => into(versions, signal, async () => {
    const {items} = await api.get(taskPath(taskId, '/versions'), signal);
    return items.length
      ? h('ol', {class: 'versions'}, items.map((version) => versionRow(version, current(), (order) => command.send(order))))
      : empty('No version yet', `The initial adapter answers: ${store.hasEmbeddings ? 'a mean of the embeddings the model knows' : 'the model compares a text with the labels'}. The first version comes with the first examples.`);
  });
  const loadReports = () => api.get(taskPath(taskId, '/reports?limit=200'), signal)
    .then(({items}) => store.addReports(items))
    .catch((problem) => problem.name !== 'AbortError' && !signal.aborted && put(attempts, problemBox(problem, loadReports)));

  showTask();
  showReports();
  loadVersions();
  loadReports();
  store.when('tasks session model', signal, () => store.tasks.has(taskId) && showTask());
  store.when('reports', signal, showReports);
  store.when('version', signal, (version) => {
    if (version.taskId !== taskId) return;
    loadVersions();
    toast(version.version ? `${taskId} serves version ${version.version} now` : `${taskId} serves the initial adapter again`);
  });
  store.when('back', signal, () => (loadVersions(), loadReports()));

  return [head, numbers, h('div', {class: 'columns task'},
    h('div', {class: 'stack'},
      card('Running accuracy', {id: 'accuracy', aside: h('small', {class: 'muted'}, 'all versions so far; each label is predicted before it counts')}, chart.element, noPoints),
      first.kind === 'CLASSIFICATION' && card('Label balance', {id: 'balance', aside: h('small', {class: 'muted'}, 'examples kept, as of the latest report')}, labels),
      card('Champion and challengers', {id: 'attempts', aside: h('small', {class: 'muted'}, 'every attempt, newest first')}, attempts)),
    h('div', {class: 'stack'},
      store.may('teach') && (first.kind !== 'CLASSIFICATION' || !first.valid) && card('Teach it', {id: 'teach'},
        h('p', {class: 'muted'}, first.valid ? 'Only tasks that answer with a label learn from examples.' : 'A task that cannot be served cannot learn.')),
      store.may('teach') && first.kind === 'CLASSIFICATION' && first.valid && teach(first, {signal, adapt: () => command.send({action: 'ADAPT'})}),
      store.may('teach') && command.element,
      card('Versions', {id: 'versions'}, versions),
      definition))];
}

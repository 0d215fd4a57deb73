// The state of the application now, and what it learnt last.
import {h, put} from '../dom.js';
import {Group, LineChart, binaryCeiling} from '../charts.js';
import {store} from '../store.js';
import {card, empty, heading, into, terms} from '../ui.js';
import {bytes, count, duration, millis, number, percent, words} from '../format.js';
import {reportLine} from './reports.js';

const SPAN = 5 * 60_000;

const CHARTS = [
  {
    id: 'throughput', title: 'Throughput', format: (v) => `${number(v)}/s`,
    series: [
      {key: 'answered', label: 'answered', tone: 'c1', of: (m) => m.answeredPerSecond},
      {key: 'dead', label: 'dead letters', tone: 'c4', of: (m) => m.deadLettersPerSecond},
    ],
  },
  {
    id: 'latency', title: 'Latency', format: millis,
    series: [
      {key: 'p50', label: 'p50', tone: 'c1', of: (m) => m.latencyMillis?.p50},
      {key: 'p95', label: 'p95', tone: 'c2', of: (m) => m.latencyMillis?.p95},
      {key: 'p99', label: 'p99', tone: 'c4', of: (m) => m.latencyMillis?.p99},
    ],
  },
  {
    id: 'batch', title: 'Rows per batch', format: number,
    series: [{key: 'rows', label: 'rows', tone: 'c5', of: (m) => m.batchRows}],
  },
  {
    id: 'shared', title: 'Reused from equal texts', format: (v) => percent(v, v > 0 && v < 0.1 ? 1 : 0),
    series: [{key: 'shared', label: 'of all tokens', tone: 'c3', of: (m) => m.sharedRatio}],
  },
  {
    id: 'queue', title: 'Waiting rows', format: number,
    series: [{key: 'queue', label: 'in the queue', tone: 'c2', of: (m) => m.queueRows}],
  },
  {
    id: 'memory', title: 'Memory', format: bytes, round: binaryCeiling,
    series: [
      {key: 'heap', label: 'heap', tone: 'c3', of: (m) => m.heapBytes},
      {key: 'resident', label: 'adapters', tone: 'c1', of: (m) => m.residentBytes, when: () => store.hasAdapters},
    ],
  },
];

function chartCard({id, title, series, format, round}, group) {
  const chart = new LineChart({label: title, series, format, round, group});
  const values = series.map(() => h('b', {}, '–'));
  const heads = series.map(({label, tone}, i) =>
    h('span', {class: i === 0 ? 'lead' : ''}, values[i], h('small', {}, series.length > 1 && h('i', {class: `key ${tone}`}), label)));
  const head = h('div', {class: 'metric-values'}, heads);
  return {
    element: card(title, {class: 'metric', id: `metric-${id}`}, head, chart.element),
    update(points, domain, latest) {
      series.forEach(({key, when}, i) => {
        values[i].textContent = format(latest?.[key] ?? null);
        heads[i].hidden = Boolean(when) && !when();
      });
      chart.series = series.filter((_, i) => !heads[i].hidden);
      chart.update(points, domain);
    },
  };
}

const SERIES = CHARTS.flatMap(({series}) => series);

function readinessCard() {
  const body = h('div', {class: 'readiness'});
  return {
    element: card('Readiness', {id: 'readiness'}, body),
    update() {
      const latest = store.latest;
      const away = store.connection.phase === 'waiting';
      if (!latest || away) {
        put(body, h('p', {class: 'state'}, h('i', {class: away ? 'dot bad' : 'dot'}),
          away ? 'Unknown: the application does not answer.' : 'Waiting for the first measurement.'));
        return;
      }
      const problems = Object.entries(latest.problems ?? {});
      put(body,
        h('p', {class: 'state'}, h('i', {class: latest.ready ? 'dot good' : 'dot warn'}),
          latest.ready ? 'Requests are answered.' : 'Not ready: requests wait, none is lost.'),
        problems.length > 0 && h('ul', {class: 'problems'}, problems.map(([part, what]) =>
          h('li', {}, h('strong', {}, part), ' ', String(what)))),
        h('div', {class: 'mini-stats'},
          store.hasAdapters && stat('tasks resident', count(latest.residentTasks)),
          store.hasAdapters && stat('adapters in memory', bytes(latest.residentBytes))));
    },
  };
}

function stat(label, value) {
  return h('div', {}, h('b', {}, value), h('span', {}, label));
}

function modelTerms(model) {
  const backbone = model.backbone ?? {};
  const adapters = model.adapters ?? {};
  const made = adapters.kind && words(adapters.kind);
  return [
    terms([
      ['Model', h('b', {}, model.name)],
      ['Version', model.version],
      ['Fingerprint', h('code', {title: model.modelId}, String(model.modelId ?? '').slice(0, 16))],
      ['Backbone', [backbone.architecture, backbone.parameters && `${number(backbone.parameters / 1e6)} M parameters`].filter(Boolean).join(', ')],
      ['Input', backbone.maxSourceTokens && `up to ${count(backbone.maxSourceTokens)} tokens`],
      ['Adapters', made],
      ['Cold task', adapters.bytesPerColdTask && bytes(adapters.bytesPerColdTask)],
      ['Task in use', adapters.bytesPerResidentTask && bytes(adapters.bytesPerResidentTask)],
      ['Device', [model.device, model.threads && `${model.threads} threads`].filter(Boolean).join(', ')],
      ['Known tasks', model.sourceTasks?.length > 0 && count(model.sourceTasks.length)],
      ['Roles', model.roles?.join(', ').toLowerCase()],
      ['Up for', duration(model.uptimeSeconds)],
      ['Application', model.applicationVersion],
    ]),
  ];
}

export function overview({signal}) {
  const group = new Group();
  const charts = CHARTS.map((chart) => chartCard(chart, group));
  const readiness = readinessCard();
  const model = h('div');
  const recent = h('div');

  const draw = () => {
    const points = store.metrics.map((m) => Object.fromEntries([['t', m.t], ...SERIES.map(({key, of}) => [key, of(m) ?? null])]));
    const now = points.at(-1)?.t ?? Date.now();
    // A page just opened shows its first seconds in full width, not a sliver of five minutes.
    const span = Math.min(SPAN, Math.max(15_000, now - (points[0]?.t ?? now)));
    for (const chart of charts) chart.update(points, [now - span, now], points.at(-1));
    readiness.update();
  };
  const learnt = () =>
    put(recent, store.reports.length
      ? h('ol', {class: 'report-lines'}, store.reports.slice(0, 8).map((report) => reportLine(report)))
      : empty('Nothing has been learnt yet', 'A task adapts once it has labelled examples. Define a task, or open one and teach it.',
          h('a', {class: 'button', href: '#/define'}, 'Define a task')));
  const load = () => into(model, signal, async () => modelTerms(await store.loadModel(signal)));

  store.when('metrics connection', signal, draw);
  store.when('reports', signal, learnt);
  store.when('back', signal, load);
  draw();
  load();
  into(recent, signal, async () => {
    await store.loadReports(signal);
    learnt();
    return [...recent.childNodes];
  });

  return h('div', {class: 'view'},
    heading('Overview', 'One frozen model, every task, live from this process.'),
    h('div', {class: 'metrics'}, charts.map(({element}) => element)),
    h('div', {class: 'columns'},
      card('Last attempts to learn', {id: 'recent'}, recent),
      h('div', {class: 'stack'}, readiness.element, card('Model', {id: 'model'}, model))));
}

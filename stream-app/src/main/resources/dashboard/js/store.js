// What several views share: tasks, metrics and reports, kept current by the event streams.
import {api, configure, follow, taskPath} from './api.js';

const METRICS_KEPT = 600;
const REPORTS_KEPT = 2000;
const PAGE = 200;
/** The application says something every ten seconds, if only that it is there. */
export const QUIET = 30000;
const RANK = {read: 0, predict: 1, teach: 2, admin: 3};

class Store extends EventTarget {
  tasks = new Map();
  tasksLoaded = false;
  metrics = [];
  reports = [];
  model = null;
  session = null;
  connection = {phase: 'connecting'};
  #streams = null;
  #known = new Set();

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, {detail}));
  }

  /** Calls back on some events until the signal aborts. */
  when(names, signal, call) {
    for (const name of names.split(' ')) {
      this.addEventListener(name, (event) => call(event.detail), {signal});
    }
  }

  /** Whether this session may do what the role allows; true while that is not known. */
  may(role) {
    const roles = this.session?.roles;
    if (!roles?.length) return !this.session?.required;
    return roles.some((has) => RANK[String(has).toLowerCase()] >= RANK[role]);
  }

  async loadSession() {
    this.session = await api.get('api/session');
    configure({token: this.session.csrf ?? null});
    this.#emit('session');
  }

  async loadModel(signal) {
    this.model = await api.get('api/model', signal);
    this.#emit('model');
    return this.model;
  }

  /** Whether tasks have adapters, made by a hypernetwork or trained one by one. */
  get hasAdapters() {
    return Boolean(this.model?.adapters);
  }

  /** Whether each task is an embedding that a hypernetwork makes adapters of. */
  get hasEmbeddings() {
    return this.model?.adapters?.bytesPerColdTask > 0;
  }

  /** Whether the model writes numbers and texts; an encoder has no decoder to do so. */
  get writes() {
    return this.model?.backbone?.decoderLayers !== 0;
  }

  async loadTasks(signal) {
    const all = new Map();
    let after = null;
    do {
      const page = await api.get(`api/tasks?limit=${PAGE}${after ? `&after=${encodeURIComponent(after)}` : ''}`, signal);
      for (const task of page.items) all.set(task.taskId, task);
      after = page.next ?? null;
    } while (after);
    this.tasks = all;
    this.tasksLoaded = true;
    this.#emit('tasks');
  }

  async loadTask(taskId, signal) {
    const task = await api.get(taskPath(taskId), signal);
    this.tasks.set(taskId, task);
    this.#emit('tasks');
    return task;
  }

  forgetTask(taskId) {
    this.tasks.delete(taskId);
    this.#emit('tasks');
  }

  async loadReports(signal) {
    const page = await api.get('api/reports?limit=1000', signal);
    this.addReports(page.items);
  }

  /** In any order, known ones too; kept newest first. */
  addReports(reports) {
    const fresh = reports.filter((report) => !this.#known.has(report.reportId));
    if (!fresh.length) return;
    for (const report of fresh) this.#known.add(report.reportId);
    this.reports = [...this.reports, ...fresh]
      .sort((a, b) => new Date(b.finishedAt) - new Date(a.finishedAt))
      .slice(0, REPORTS_KEPT);
    this.#emit('reports');
  }

  reportsOf(taskId) {
    return this.reports.filter((report) => report.taskId === taskId);
  }

  get latest() {
    return this.metrics.at(-1) ?? null;
  }

  /** Streams run while somebody looks: a hidden page holds no connection. */
  start() {
    const look = () => (document.hidden ? this.#stop() : this.#listen());
    document.addEventListener('visibilitychange', look);
    look();
    this.#catchUp();
  }

  retry() {
    for (const stream of this.#streams?.all ?? []) stream.retry();
  }

  #stop() {
    this.#streams?.abort.abort();
    this.#streams = null;
  }

  #listen() {
    if (this.#streams) return;
    const abort = new AbortController();
    const signal = abort.signal;
    const metrics = follow('api/stream/metrics', {
      signal,
      silence: QUIET / 3,
      on: {metrics: (point) => this.#addMetrics(point)},
      state: (state) => this.#connected(state),
    });
    const reports = follow('api/stream/reports', {
      signal,
      silence: QUIET,
      on: {
        report: (report) => {
          this.addReports([report]);
          this.#emit('report', report);
          this.#refresh(report.taskId);
        },
        version: (version) => {
          this.#emit('version', version);
          this.#refresh(version.taskId);
        },
      },
      state: ({phase}) => phase === 'open' && this.#catchUp(),
    });
    this.#streams = {abort, all: [metrics, reports]};
  }

  #addMetrics(point) {
    this.metrics.push({...point, t: new Date(point.at).getTime()});
    if (point.ready && !this.model) this.loadModel().catch(() => {}); // it was not loaded yet
    if (this.metrics.length > METRICS_KEPT) this.metrics.shift();
    this.#emit('metrics', point);
  }

  #connected(state) {
    const back = state.phase === 'open' && this.connection.phase === 'waiting';
    this.connection = state;
    this.#emit('connection', state);
    if (back) this.#emit('back');
  }

  /** What happened while the stream was away; what fails here is asked for again by the views. */
  #catchUp() {
    Promise.all([this.loadTasks(), this.loadReports(), this.loadModel()]).catch(() => {});
  }

  #refresh(taskId) {
    this.loadTask(taskId).catch((problem) => {
      if (problem.status === 404) this.forgetTask(taskId);
    });
  }
}

export const store = new Store();

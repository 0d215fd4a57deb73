// One text, several tasks: all answers at once; one click gives the right label.
import {debounce, h, put, roving} from '../dom.js';
import {api} from '../api.js';
import {store} from '../store.js';
import {AGAIN_AFTER, button, card, empty, filterField, heading, into, nextId, passing, problemBox} from '../ui.js';
import {plural} from '../format.js';
import {answerCard} from './answer.js';

const AT_MOST = 64;
const START = 4;
const TYPING = 350;

export function playground({query, signal}) {
  const place = h('div');
  into(place, signal, async () => {
    if (!store.tasksLoaded) await store.loadTasks(signal);
    const valid = [...store.tasks.values()].filter((task) => task.valid).sort((a, b) => a.taskId.localeCompare(b.taskId));
    return valid.length
      ? build(valid, query, signal)
      : empty('There is no task to ask', 'Define one first. It needs only labels to answer.', h('a', {class: 'button primary', href: '#/define'}, 'Define a task'));
  });
  return h('div', {class: 'view'},
    heading('Playground', 'Ask several tasks at once. The same engine answers, but nothing is written to the topics.'),
    place);
}

function picker(valid, chosen, changed) {
  const list = h('div', {class: 'pick-list', role: 'group', 'aria-label': 'Tasks to ask'});
  const said = h('p', {class: 'hint', role: 'status'});
  const remark = roving(list, 'input');
  const tell = () => (said.textContent = chosen.size ? `${plural(chosen.size, 'task')} chosen` : 'Choose at least one task.');
  const fill = (wanted) => {
    const found = valid.filter(({taskId, description}) => `${taskId} ${description}`.toLowerCase().includes(wanted));
    put(list, found.slice(0, 300).map((task) => h('label', {class: 'pick'},
      h('input', {type: 'checkbox', value: task.taskId, checked: chosen.has(task.taskId), on: {change: ({target}) => {
        if (!target.checked) chosen.delete(task.taskId);
        else if (chosen.size < AT_MOST) chosen.add(task.taskId);
        else target.checked = false;
        tell();
        changed();
      }}}),
      h('span', {}, h('b', {}, task.taskId), h('small', {}, task.description)))));
    remark();
  };
  fill('');
  tell();
  return card('Tasks', {class: 'picker'}, filterField('Filter tasks', fill), list, said);
}

function build(valid, query, signal) {
  const named = (query.get('tasks') ?? '').split(',').filter((id) => valid.some(({taskId}) => taskId === id));
  const chosen = new Set(named.length ? named : valid.slice(0, START).map(({taskId}) => taskId));
  const cards = new Map();
  const answers = h('div', {class: 'answers'});
  const trouble = h('div');
  const textId = nextId('text');
  const pairId = nextId('pair');
  const text = h('textarea', {id: textId, rows: 3, placeholder: 'Type a sentence, for example: the lamp in front of our house has been dark for a week', value: query.get('text') ?? ''});
  const pair = h('textarea', {id: pairId, rows: 2, placeholder: 'Only for tasks that compare two texts'});
  const pairField = h('details', {class: 'pair'}, h('summary', {}, 'A second text'), h('label', {for: pairId, class: 'sr'}, 'Second text'), pair);
  const ask = button('Ask', {class: 'primary', id: 'ask', title: 'Ctrl+Enter'});
  let running = null;

  const question = () => ({text: text.value.trim(), ...(pair.value.trim() ? {textPair: pair.value.trim()} : {})});

  const predict = async (only = null) => {
    const asked = question();
    const ids = [...(only ?? chosen)];
    remember();
    if (!asked.text || !ids.length) {
      arrange();
      return;
    }
    if (!only) running?.abort();
    const mine = new AbortController();
    if (!only) running = mine;
    answers.setAttribute('aria-busy', 'true');
    try {
      const {predictions} = await api.post('api/predict', {taskIds: ids, ...asked}, AbortSignal.any([signal, mine.signal]));
      put(trouble);
      for (const prediction of predictions) cardOf(prediction.taskId).show(prediction, asked);
      arrange();
    } catch (problem) {
      if (problem.name === 'AbortError') return;
      put(trouble, problemBox(problem, () => predict(only)));
      const again = () => !signal.aborted && !running && trouble.hasChildNodes() && predict(only);
      if (passing(problem)) setTimeout(again, AGAIN_AFTER);
    } finally {
      if (running === mine) running = null;
      if (!running) answers.removeAttribute('aria-busy');
    }
  };
  /** The engine takes a version over a moment after it was announced. */
  const catchUp = async (taskId, version, tries = 20) => {
    if (signal.aborted || !chosen.has(taskId) || !question().text) return;
    await predict([taskId]);
    if (tries > 0 && cards.get(taskId)?.version() !== version) setTimeout(() => catchUp(taskId, version, tries - 1), 250);
  };
  const cardOf = (taskId) => {
    if (!cards.has(taskId)) cards.set(taskId, answerCard(store.tasks.get(taskId), {signal, again: (version) => catchUp(taskId, version)}));
    return cards.get(taskId);
  };
  const arrange = () => {
    const shown = [...cards].filter(([taskId]) => chosen.has(taskId)).map(([, {element}]) => element);
    if (!question().text || !shown.length) {
      put(answers, empty('Ask something', 'Every chosen task answers with its whole distribution. Click the right label to teach the task.'));
    } else if (shown.length !== answers.children.length || shown.some((element, i) => answers.children[i] !== element)) {
      put(answers, shown);
    }
  };
  /** The address names what is asked, so that it can be sent to somebody; no entry in the history. */
  const remember = () => {
    const params = new URLSearchParams({tasks: [...chosen].join(',')});
    if (text.value.trim()) params.set('text', text.value.trim());
    history.replaceState(null, '', `#/playground?${params}`);
  };
  const soon = debounce(TYPING, () => !signal.aborted && predict());
  for (const area of [text, pair]) {
    area.addEventListener('input', soon);
    area.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) predict();
    });
  }
  ask.addEventListener('click', () => predict());
  store.when('version', signal, ({taskId, version}) => catchUp(taskId, version ?? 0));
  store.when('report', signal, (report) => cards.get(report.taskId)?.reported(report));
  store.when('back', signal, () => predict());
  arrange();
  if (text.value) predict();

  return h('div', {class: 'columns play'},
    h('div', {class: 'stack'},
      h('div', {class: 'card ask'},
        h('div', {class: 'field'}, h('label', {for: textId}, 'Text'), text),
        pairField,
        h('div', {class: 'row'}, ask, h('span', {class: 'hint'}, 'Answers follow while you type.'))),
      trouble,
      answers),
    picker(valid, chosen, soon));
}

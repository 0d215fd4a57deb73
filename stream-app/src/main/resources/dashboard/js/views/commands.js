// Commands to a task's adaptation, each followed until its report arrives.
import {h, put} from '../dom.js';
import {api, taskPath} from '../api.js';
import {store} from '../store.js';
import {button, card, confirm, nextId, outcomeChip, problemBox} from '../ui.js';
import {duration, words} from '../format.js';

const ORDERS = [
  ['ADAPT', 'Adapt now', 'Train and evaluate a new version from the current examples'],
  ['EVALUATE', 'Evaluate', 'Measure the version that serves; nothing changes'],
  ['PROMOTE', 'Promote anyway', 'Train a new version and serve it whatever the comparison says'],
  ['PIN', 'Pin', 'Keep the version that serves; adaptations report and replace nothing'],
  ['UNPIN', 'Unpin', 'Let a better version serve again'],
  ['FREEZE', 'Freeze', 'No adaptation until it is unfrozen'],
  ['UNFREEZE', 'Unfreeze', 'Adapt to new examples again'],
  ['RESET', 'Reset', 'Serve the initial adapter again; examples stay'],
];

export function commands({taskId, signal}) {
  const running = h('ul', {class: 'orders', 'aria-live': 'polite'});
  const waiting = new Map();

  const line = (id, action, since) => {
    const state = h('span', {class: 'muted'});
    const element = h('li', {data: {command: action}}, h('b', {}, words(action)), state);
    running.prepend(element);
    while (running.children.length > 5) running.lastChild.remove();
    const tick = () => (state.textContent = `is under way, ${duration((Date.now() - since) / 1000)}`);
    const timer = setInterval(tick, 1000);
    tick();
    const done = (report) => {
      clearInterval(timer);
      waiting.delete(id);
      put(element, h('b', {}, words(action)), outcomeChip(report.outcome), h('span', {class: 'muted'}, report.reason));
    };
    signal.addEventListener('abort', () => clearInterval(timer));
    waiting.set(id, done);
    const early = store.reports.find((report) => report.commandId === id);
    if (early) done(early);
  };

  const send = async (order) => {
    try {
      const {commandId} = await api.post(taskPath(taskId, '/commands'), {reason: 'from the dashboard', ...order}, signal);
      line(commandId, order.action, Date.now());
      return true;
    } catch (problem) {
      if (problem.name !== 'AbortError') {
        const element = h('li', {}, problemBox(problem, () => (element.remove(), send(order))));
        running.prepend(element);
      }
      return false;
    }
  };
  // Also reports that arrived while the stream was away.
  store.when('reports', signal, () => {
    for (const report of store.reports) waiting.get(report.commandId)?.(report);
  });

  const press = async (action) => {
    if (action === 'PROMOTE' && !(await confirm(`Promote a new version of ${taskId}?`, 'It is trained from the examples there are and serves whatever the comparison says. The report says both; you can roll back.', 'Promote', false))) return;
    if (action === 'RESET' && !(await confirm(`Reset ${taskId}?`, 'The initial adapter serves again. Examples and earlier versions stay, so that you can adapt or roll back.', 'Reset'))) return;
    send({action});
  };
  const textId = nextId('forget');
  const text = h('input', {id: textId, type: 'text', autocomplete: 'off', placeholder: 'the exact text'});
  const forget = async (event) => {
    event.preventDefault();
    const one = text.value.trim();
    const agreed = await confirm(one ? 'Forget this example?' : `Forget every example of ${taskId}?`,
      `${one ? `“${one.slice(0, 120)}” is erased` : 'All of them are erased'}. What a version has learnt from it stays until the next version or a reset. This cannot be undone.`, 'Forget');
    if (agreed && (await send(one ? {action: 'FORGET', text: one} : {action: 'FORGET', all: true}))) text.value = '';
  };

  const orders = ORDERS.map(([action, name, title]) =>
    button(name, {class: 'small', title, data: {order: action}, on: {click: () => press(action)}}));
  /** One of both makes sense at a time. */
  const showPin = () => {
    const pinned = Boolean(store.tasks.get(taskId)?.pinnedBy);
    for (const one of orders) {
      const {order} = one.dataset;
      if (order === 'PIN' || order === 'UNPIN') one.hidden = pinned === (order === 'PIN');
    }
  };
  showPin();
  store.when('tasks', signal, showPin);

  return {
    send,
    element: card('Commands', {id: 'commands'},
      h('div', {class: 'row wrap'}, orders),
      h('details', {class: 'forget'},
        h('summary', {}, 'Forget examples'),
        h('form', {class: 'row', on: {submit: forget}},
          h('label', {for: textId, class: 'sr'}, 'Text to forget; empty: all'), text,
          button('Forget', {type: 'submit', class: 'small danger-quiet'})),
        h('p', {class: 'hint'}, 'Empty: all examples of the task.')),
      running),
  };
}

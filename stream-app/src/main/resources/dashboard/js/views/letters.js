// Records that could not be used: why, where they are, and how to send them again.
import {h, put} from '../dom.js';
import {api} from '../api.js';
import {store} from '../store.js';
import {button, card, chip, copyable, empty, filterField, heading, into} from '../ui.js';
import {count, moment, plural} from '../format.js';

const LIMIT = 300;

const ADVICE = {
  UNDECODABLE: 'Write the value with Confluent’s Avro serializer and the registered schema.',
  REQUEST_TOO_LARGE: 'Send less at once; the message names field and limit.',
  INVALID_REQUEST: 'The message names the field that is wrong.',
  UNKNOWN_TASK: 'Define the task, then send the records again.',
  INVALID_TASK: 'Correct the task’s definition, then send the records again.',
  EMPTY_TEXT: 'Send a text that is not only white space.',
  MISSING_TEXT_PAIR: 'This task’s template needs a second text.',
  TEXT_TOO_LONG: 'Shorten the text, or let the task cut long texts.',
  PREDICTION_TOO_LARGE: 'Fewer attributes or labels.',
  INVALID_LABEL: 'The message names field and limit.',
  INVALID_COMMAND: 'The message names field and limit.',
  UNKNOWN_LABEL: 'Use one of the task’s labels, or add the label to the task.',
  UNMATCHED_LABEL: 'Send the text together with the label.',
  MODEL_ERROR: 'The model fails on this text alone; please report it.',
};

export function replayLine(code, task) {
  return `hyperstream dead-letters replay${code ? ` --code ${code}` : ''}${task ? ` --task ${task}` : ''} --dry-run`;
}

function textOf({text}) {
  if (text?.trim()) return h('span', {class: 'clip two', title: text}, text);
  return h('span', {class: 'muted'}, typeof text === 'string' ? 'nothing but white space' : 'not decodable');
}

function row(letter) {
  const cell = (label, content, kind) => h('td', {'data-label': label, class: kind}, content);
  return h('tr', {data: {code: letter.code}},
    cell('When', h('time', {datetime: letter.timestamp, class: 'mono'}, moment(letter.timestamp))),
    cell('Reason', h('div', {}, chip(letter.code, 'bad'), h('p', {class: 'reason'}, letter.message)), 'wide'),
    cell('Task', letter.taskId ? (store.tasks.has(letter.taskId) ? h('a', {href: `#/tasks/${encodeURIComponent(letter.taskId)}`}, letter.taskId) : letter.taskId) : h('span', {class: 'muted'}, '–')),
    cell('Text', textOf(letter), 'wide'),
    cell('From', letter.sourceTopic ? h('code', {class: 'where'}, `${letter.sourceTopic}-${letter.sourcePartition}@${letter.sourceOffset}`) : h('span', {class: 'muted'}, '–')));
}

export function letters({signal, query}) {
  let wanted = '';
  let code = query.get('code') ?? '';
  let items = [];
  let loaded = false;
  const content = h('div');
  const codes = h('div', {class: 'chips', role: 'group', 'aria-label': 'Codes'});
  const advice = h('div');

  const drawCodes = () => {
    const tally = new Map();
    for (const letter of items) tally.set(letter.code, (tally.get(letter.code) ?? 0) + 1);
    if (code && !tally.has(code)) tally.set(code, 0);
    const one = (value, text, n) => h('button', {type: 'button', class: 'chip press', 'aria-pressed': String(code === value), data: {code: value}, on: {click: () => {
      code = value;
      drawCodes();
      put(content, draw());
      codes.querySelector('[aria-pressed="true"]')?.focus();
    }}}, text, h('small', {}, count(n)));
    put(codes, items.length > 0 && one('', 'All', items.length), [...tally].sort((a, b) => b[1] - a[1]).map(([value, n]) => one(value, value, n)));
  };
  const draw = () => {
    put(advice);
    if (!items.length) {
      return empty('No dead letters', 'Every record could be used. Records that cannot be used appear here unchanged, with the reason, and can be sent again once the cause is fixed.');
    }
    const found = items.filter((letter) => (!code || letter.code === code)
      && (!wanted || `${letter.code} ${letter.message} ${letter.taskId ?? ''} ${letter.text ?? ''}`.toLowerCase().includes(wanted)));
    const tasks = new Set(found.map(({taskId}) => taskId));
    const only = tasks.size === 1 ? [...tasks][0] : null;
    put(advice, card('Send them again', {id: 'replay'},
      h('p', {}, code ? ADVICE[code] ?? 'Fix what the message names, then send them again.' : 'Choose a code: each has its own remedy. After that, this command shows what would be sent; without --dry-run it sends each record once:'),
      copyable(replayLine(code, only))));
    return [
      h('table', {class: 'table letters'},
        h('thead', {}, h('tr', {}, ['When', 'Reason', 'Task', 'Text', 'From'].map((name) => h('th', {scope: 'col'}, name)))),
        h('tbody', {}, found.map(row))),
      h('p', {class: 'muted table-note', role: 'status'}, items.length >= LIMIT
        ? `The newest ${LIMIT}; older ones with hyperstream dead-letters list.` : found.length < items.length ? `${plural(found.length, 'letter')} of ${count(items.length)}` : ''),
    ];
  };
  const load = () => into(content, signal, async () => {
    items = (await api.get(`api/dead-letters?limit=${LIMIT}`, signal)).items;
    loaded = true;
    drawCodes();
    return draw();
  });
  store.when('back', signal, load);
  load();
  return h('div', {class: 'view'},
    heading('Dead letters', 'Records that cannot be used, unchanged, with the reason. Retrying alone does not help.',
      filterField('Filter letters', (text) => {
        wanted = text;
        if (loaded) put(content, draw());
      }),
      button('Refresh', {on: {click: load}})),
    codes, advice, content);
}

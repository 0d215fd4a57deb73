// Examples pasted as lines; lines that cannot be used are shown before anything is sent.
import {h, put} from '../dom.js';
import {api, taskPath} from '../api.js';
import {bar, button, card, nextId, problemBox, toast} from '../ui.js';
import {count, plural} from '../format.js';

const AT_ONCE = 1000;

/** Lines of "text TAB label", or "text TAB second text TAB label". */
export function parseExamples(text, labels) {
  const items = [];
  const problems = [];
  text.split(/\r?\n/).forEach((line, index) => {
    if (!line.trim()) return;
    const parts = line.split('\t').map((part) => part.trim());
    const label = parts.at(-1);
    const wrong = (what) => problems.push({line: index + 1, what});
    if (parts.length < 2) wrong('no tab between text and label');
    else if (parts.length > 3) wrong(`${parts.length} columns; two or three are expected`);
    else if (!parts[0]) wrong('the text is empty');
    else if (!label) wrong('the label is empty');
    else if (labels.length && !labels.includes(label)) wrong(`“${label}” is no label of this task`);
    else items.push({text: parts[0], ...(parts.length === 3 && parts[1] ? {textPair: parts[1]} : {}), label, source: 'dashboard'});
  });
  return {items, problems};
}

/** How many of each label, [label, number] each; the most first. */
export function balance(counts, shown = 12) {
  const rows = [...counts].sort((a, b) => b[1] - a[1]);
  const most = Math.max(1, rows[0]?.[1] ?? 0);
  return h('div', {class: 'balance'}, rows.slice(0, shown).map(([label, n]) =>
    h('div', {class: n === 0 && 'none'}, h('span', {}, label), bar(n / most), h('b', {class: 'num'}, count(n)))),
    rows.length > shown && h('p', {class: 'muted'}, `and ${plural(rows.length - shown, 'label')} with ${count(rows[shown][1])} or fewer`));
}

function tally(items, labels) {
  const counts = new Map(labels.map((label) => [label, 0]));
  for (const {label} of items) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

export function teach(task, {signal, adapt}) {
  const labels = task.kind === 'CLASSIFICATION' ? task.labels.map(({name}) => name) : [];
  const id = nextId('examples');
  const sample = labels.length ? labels.slice(0, 2) : ['an answer', 'another'];
  const area = h('textarea', {id, rows: 6, spellcheck: 'false', class: 'mono', wrap: 'off', 'aria-describedby': `${id}-hint`,
    placeholder: `the first text⇥${sample[0]}\nanother one⇥${sample[1]}`.replaceAll('⇥', '\t')});
  const preview = h('div', {class: 'preview', 'aria-live': 'polite'});
  const result = h('div', {class: 'teach-result'});
  const send = button('Send examples', {class: 'primary', id: 'send-examples', disabled: true});
  let parsed = {items: [], problems: []};

  const look = () => {
    parsed = parseExamples(area.value, labels);
    const {items, problems} = parsed;
    send.disabled = !items.length;
    send.querySelector('span').textContent = items.length ? `Send ${plural(items.length, 'example')}` : 'Send examples';
    put(preview,
      problems.length > 0 && h('div', {class: 'problem quiet'}, h('div', {}, h('strong', {}, `${plural(problems.length, 'line')} cannot be used`),
        h('ul', {}, problems.slice(0, 5).map(({line, what}) => h('li', {}, `Line ${line}: ${what}`)), problems.length > 5 && h('li', {}, `and ${problems.length - 5} more`)))),
      items.length > 0 && labels.length > 0 && balance(tally(items, labels)));
  };
  // A tab belongs to the line here; Escape, then Tab leaves the field.
  let leaving = false;
  area.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') leaving = true;
    if (event.key !== 'Tab' || event.shiftKey || leaving) return;
    event.preventDefault();
    area.setRangeText('\t', area.selectionStart, area.selectionEnd, 'end');
    look();
  });
  area.addEventListener('focus', () => (leaving = false));
  area.addEventListener('input', look);

  send.addEventListener('click', async () => {
    send.disabled = true;
    const {items, problems} = parsed;
    let sent = 0;
    try {
      for (; sent < items.length; sent += AT_ONCE) {
        await api.post(taskPath(task.taskId, '/examples'), {items: items.slice(sent, sent + AT_ONCE)}, signal);
      }
      const lines = area.value.split(/\r?\n/);
      area.value = problems.map(({line}) => lines[line - 1]).join('\n');
      look();
      toast(`${plural(items.length, 'example')} sent`);
      const trigger = task.adaptation?.triggerExamples ?? 8;
      put(result, h('p', {class: 'hint'}, `Each is predicted first, then kept. An adaptation starts after ${count(trigger)} new ones, or now:`),
        button('Adapt now', {class: 'small', data: {adapt: ''}, on: {click: adapt}}));
    } catch (problem) {
      if (problem.name === 'AbortError') return;
      send.disabled = false;
      const done = Math.min(sent, items.length);
      put(result, problemBox({...problem, title: problem.title, errors: problem.errors,
        message: `${problem.message}${done ? ` ${count(done)} were sent before; sending them again changes nothing.` : ''}`}));
    }
  });

  return card('Teach it', {id: 'teach'},
    h('div', {class: 'field'},
      h('label', {for: id}, 'Labelled lines'),
      area,
      h('p', {class: 'hint', id: `${id}-hint`}, 'A text, a tab, its right label. Pasting from a spreadsheet works. Esc, then Tab leaves the field.')),
    preview,
    h('div', {class: 'row'}, send),
    result);
}

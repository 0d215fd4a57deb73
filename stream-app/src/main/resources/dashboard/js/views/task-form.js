// Defining or changing a task: every error is shown at its field, also those from the application.
import {debounce, h, put} from '../dom.js';
import {api, taskPath} from '../api.js';
import {store} from '../store.js';
import {button, card, confirm, heading, into, nextId, problemBox, toast} from '../ui.js';
import {count, plural} from '../format.js';

const KINDS = [
  ['CLASSIFICATION', 'One of its labels'],
  ['REGRESSION', 'A number'],
  ['GENERATION', 'A text'],
];
const ID = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$/;
const METHODS = [
  ['AUTO', 'Label vectors, and whichever decoder explains left-out examples best'],
  ['PROTOTYPES', 'Label vectors only: no gradient, a version in a second'],
  ['EMBEDDING', 'The task’s embedding'],
  ['WEIGHTS', 'The embedding, then the adapter weights themselves: slow'],
];

/** "name = verbalizer" per line. */
export function parseLabels(text) {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const [name, ...rest] = line.split('=');
      const verbalizer = rest.join('=').trim();
      return verbalizer ? {name: name.trim(), verbalizer} : {name: name.trim()};
    });
}

function mistakes(definition) {
  const found = {};
  const {taskId, kind, labels, template, templatePair, abstainBelow} = definition;
  if (!taskId) found.taskId = 'Give the task a name; requests are tagged with it.';
  else if (!ID.test(taskId)) found.taskId = 'Letters, digits, dot, underscore and hyphen only, at most 128 of them, and not “.” or “..” alone.';
  if (kind === 'CLASSIFICATION') {
    const names = labels.map(({name}) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (names.length < 2) found.labels = 'At least two labels, one per line.';
    else if (names.length > 1024) found.labels = 'At most 1,024 labels.';
    else if (twice) found.labels = `“${twice}” is there twice.`;
    else if (names.some((name) => !name)) found.labels = 'A line begins with “=”: the label’s name is missing.';
  }
  if (!(abstainBelow >= 0 && abstainBelow <= 1)) found.abstainBelow = 'A score from 0 to 1.';
  if (!template.includes('{text}')) found.template = 'Must contain {text}: the request’s text goes there.';
  if (templatePair && !(templatePair.includes('{text}') && templatePair.includes('{textPair}'))) {
    found.templatePair = 'Must contain {text} and {textPair}.';
  }
  return found;
}

/** What a change removes, a sentence each. A changed value is not a removal. */
export function losses(known, made) {
  const said = [];
  const now = new Map(made.labels.map((label) => [label.name, label]));
  const gone = known.labels.map(({name}) => name).filter((name) => !now.has(name));
  if (gone.length) {
    const kept = gone.reduce((sum, name) => sum + (known.examples?.labels?.[name] ?? 0), 0);
    const named = gone.slice(0, 10).join(', ') + (gone.length > 10 ? ` and ${gone.length - 10} more` : '');
    said.push(`It will not have the label${gone.length > 1 ? 's' : ''} ${named} any more.`,
      kept ? `${plural(kept, 'example')} of ${gone.length > 1 ? 'them' : 'it'} will be set aside, until a definition has the label again.` : 'Examples of a label that is gone are set aside, until a definition has it again.');
  }
  const of = (field) => known.labels.filter((label) => label[field] && now.has(label.name) && !now.get(label.name)[field]).map(({name}) => name);
  if (of('description').length) said.push(`What ${of('description').join(', ')} means is dropped.`);
  if (of('verbalizer').length) said.push(`The other word for ${of('verbalizer').join(', ')} is dropped.`);
  if (known.description && !made.description) said.push('Its description is dropped.');
  if (known.initFrom?.length && !made.initFrom.length) said.push(`It will not start from ${known.initFrom.join(', ')} any more.`);
  return said;
}

/** labels[2].name belongs to the field of labels, adaptation.triggerExamples to its own. */
function fieldOf(name, fields) {
  const path = String(name ?? '').replace(/^definition\./, '');
  if (path.startsWith('labels')) return path.endsWith('.description') ? 'meanings' : 'labels';
  return [path, path.split('.').at(-1), path.split(/[.[]/)[0]].find((part) => fields[part]) ?? null;
}

/** One line per label of the text area; what was written about a label that is gone comes back with it. */
function meaningsField(written, known) {
  const texts = new Map((known ?? []).map(({name, description}) => [name, description ?? '']));
  const rows = h('div', {class: 'meaning-rows'});
  const error = h('p', {class: 'field-error'});
  const element = h('fieldset', {class: 'field', data: {field: 'meanings'}}, h('legend', {class: 'sr'}, 'What each label means'),
    h('p', {class: 'hint'}, 'A few words or a sentence. Until a label has examples, a text is compared with this description, or with the name if it is empty.'),
    rows, error);
  const details = h('details', {class: 'meanings', open: [...texts.values()].some(Boolean)}, h('summary', {}, 'What each label means'), element);
  const names = () => [...new Set(parseLabels(written.value).map(({name}) => name).filter(Boolean))];
  const fill = () => details.open && put(rows, names().map((name) => h('label', {}, h('span', {}, name),
    h('input', {type: 'text', autocomplete: 'off', value: texts.get(name) ?? '', on: {input: ({target}) => {
      texts.set(name, target.value);
      error.textContent = '';
      element.removeAttribute('aria-invalid');
    }}}))));
  written.addEventListener('input', debounce(150, fill));
  details.addEventListener('toggle', fill);
  fill();
  return {details, element, error, of: (name) => texts.get(name)?.trim()};
}

export function taskForm({signal, taskId}) {
  const changing = taskId !== undefined;
  const place = h('div');
  into(place, signal, async () => {
    const [known] = await Promise.all([
      changing ? store.loadTask(taskId, signal) : null,
      store.model ?? store.loadModel(signal).catch(() => null),
    ]);
    return build(known, signal);
  });
  return h('div', {class: 'view narrow'},
    heading(changing ? `Change ${taskId}` : 'New task',
      changing ? 'Examples whose labels stay are kept; every replica follows at once.' : 'A task is a record, not a deployment: it answers as soon as it is written.'),
    place);
}

function build(known, signal) {
  const fields = {};
  const control = (name, label, hint, element) => {
    const id = nextId(name);
    const error = h('p', {class: 'field-error', id: `${id}-error`});
    element.id = id;
    element.name = name;
    element.setAttribute('aria-describedby', `${id}-error${hint ? ` ${id}-hint` : ''}`);
    fields[name] = {element, error, label};
    element.addEventListener('input', () => mark(name, null));
    return h('div', {class: 'field', data: {field: name}}, h('label', {for: id}, label), element,
      hint && h('p', {class: 'hint', id: `${id}-hint`}, hint), error);
  };
  const mark = (name, message) => {
    const {element, error} = fields[name];
    error.textContent = message ?? '';
    if (message) element.setAttribute('aria-invalid', 'true');
    else element.removeAttribute('aria-invalid');
  };
  const input = (props) => h('input', {type: 'text', autocomplete: 'off', spellcheck: 'false', ...props});
  const select = (options, chosen) =>
    h('select', {}, options.map(([value, text]) => h('option', {value, selected: value === chosen}, text ?? value)));
  const policy = known?.adaptation ?? {};
  const sources = (store.model?.sourceTasks ?? []).map((source) => source.taskId ?? source);
  const summary = h('div', {tabindex: -1, class: 'summary'});

  const id = control('taskId', 'Name', 'Requests carry it as taskId. Letters, digits, . _ -',
    input({value: known?.taskId ?? '', readonly: Boolean(known), required: true, class: 'mono', placeholder: 'support-routing'}));
  const kind = control('kind', 'What it answers', null,
    select(KINDS.filter(([value]) => store.writes || value === 'CLASSIFICATION' || value === known?.kind), known?.kind ?? 'CLASSIFICATION'));
  const labels = control('labels', 'Labels', 'One per line. To give the model another word for one: name = word',
    h('textarea', {rows: 6, spellcheck: 'false', placeholder: 'billing\ndelivery\nreturns',
      value: (known?.labels ?? []).map(({name, verbalizer}) => (verbalizer && verbalizer !== name ? `${name} = ${verbalizer}` : name)).join('\n')}));
  const meanings = meaningsField(fields.labels.element, known?.labels);
  fields.meanings = {element: meanings.element, error: meanings.error, label: 'What each label means'};
  const meant = (label) => (meanings.of(label.name) ? {...label, description: meanings.of(label.name)} : label);
  const description = control('description', 'Description', 'For people: what is asked of a text.', input({value: known?.description ?? ''}));
  const template = control('template', 'Template', 'The model’s input; {text} is the request’s text.', input({class: 'mono', value: known?.template ?? '{text}'}));
  const templatePair = control('templatePair', 'Template for pairs', 'Used when a request brings a second text.',
    input({class: 'mono', value: known?.templatePair ?? 'sentence1: {text} sentence2: {textPair}'}));
  const limit = store.model?.backbone?.maxSourceTokens;
  const overLength = control('overLength', 'Texts that are too long',
    limit ? `The model reads ${count(limit)} tokens at once; a word is one or more.` : 'Texts of more tokens than the model reads at once.',
    select([['TRUNCATE', 'are cut, and the prediction says so'], ['WINDOWS', 'are read in windows; the answer is the mean over the whole text'], ['REJECT', 'become dead letters']], known?.overLength ?? 'TRUNCATE'));
  const abstainBelow = control('abstainBelow', 'No answer below', 'A score from 0 to 1. A text whose best label has less gets no label; 0: every text gets one.',
    input({type: 'number', min: 0, max: 1, step: 'any', value: known?.abstainBelow ?? 0}));
  const scoring = control('scoring', 'Scores of labels', null,
    select([['EXACT', 'exact, every label'], ['TRIE_BEAM', 'approximate, for hundreds of labels']], known?.scoring ?? 'EXACT'));
  const trigger = control('triggerExamples', 'Adapt after', 'This many new examples start an adaptation.',
    input({type: 'number', min: 1, max: 100000, value: policy.triggerExamples ?? 8}));
  const method = control('method', 'New versions are made of', null, select(METHODS.map(([v, t]) => [v, `${v.toLowerCase()}: ${t}`]), policy.method ?? 'AUTO'));
  const enabled = control('enabled', 'Adapt by itself', null, select([['true', 'yes'], ['false', 'only by command']], String(policy.enabled ?? true)));
  const chosen = new Set(known?.initFrom ?? []);
  const starts = h('fieldset', {class: 'field starts', data: {field: 'initFrom'}}, h('legend', {}, 'Start from'),
    h('p', {class: 'hint'}, 'Tasks the model knows; the mean of their embeddings answers until there is a version. None: the known task of the same name, if there is one.'),
    h('div', {class: 'choices'}, sources.map((source) => h('label', {class: 'choice'},
      h('input', {type: 'checkbox', value: source, checked: chosen.has(source), on: {change: (event) =>
        event.target.checked ? chosen.add(source) : chosen.delete(source)}}), h('span', {}, source)))));
  const initError = h('p', {class: 'field-error'});
  starts.append(initError);
  fields.initFrom = {element: starts, error: initError, label: 'Start from'};

  const value = (name) => fields[name].element.value.trim();
  const definition = () => ({
    taskId: value('taskId'),
    kind: value('kind'),
    labels: value('kind') === 'CLASSIFICATION' ? parseLabels(fields.labels.element.value).map(meant) : [],
    template: value('template'),
    templatePair: value('templatePair'),
    description: value('description'),
    overLength: value('overLength'),
    scoring: value('scoring'),
    abstainBelow: value('kind') === 'CLASSIFICATION' ? Number(value('abstainBelow')) : 0,
    adaptation: {...policy, enabled: value('enabled') === 'true', triggerExamples: Number(value('triggerExamples')), method: value('method')},
    initFrom: [...chosen],
  });

  const report = (found, general) => {
    for (const name of Object.keys(fields)) mark(name, found[name] ?? null);
    const names = Object.keys(found);
    if (!names.length && !general) return put(summary);
    put(summary, general ?? h('div', {class: 'problem', role: 'alert'}, h('div', {},
      h('strong', {}, 'The definition is not complete'),
      h('ul', {}, names.map((name) => h('li', {}, h('a', {href: `#${fields[name].element.id}`, on: {click: (event) => {
        event.preventDefault(); // the hash belongs to the routes
        focusField(name);
      }}}, fields[name].label), `: ${found[name]}`))))));
    const folded = names.map((name) => fields[name].element.closest('details')).filter(Boolean);
    for (const details of folded) details.open = true;
    if (names.length) focusField(names[0]);
    else summary.focus();
  };
  const focusField = (name) => {
    const {element} = fields[name];
    (element.matches('fieldset') ? element.querySelector('input') : element)?.focus();
  };

  const submit = button(known ? 'Save' : 'Define task', {class: 'primary', type: 'submit', id: 'submit-task'});
  const save = async (event) => {
    event.preventDefault();
    const made = definition();
    const found = mistakes(made);
    report(found);
    if (Object.keys(found).length) return;
    const dropped = known ? losses(known, made) : [];
    if (dropped.length && !(await confirm(`Change ${made.taskId}?`, dropped.join(' '), 'Change it'))) return;
    submit.disabled = true;
    try {
      await (known ? api.put(taskPath(made.taskId), made, signal) : api.post('api/tasks', made, signal));
      toast(known ? `${made.taskId} is changed` : `${made.taskId} is defined and answers`);
      location.hash = `#/tasks/${encodeURIComponent(made.taskId)}`;
    } catch (problem) {
      if (problem.name !== 'AbortError') refused(problem, made);
    } finally {
      submit.disabled = false;
    }
  };
  const refused = (problem, made) => {
    const byField = {};
    const others = [];
    for (const {field, message} of problem.errors ?? []) {
      const name = fieldOf(field, fields);
      if (name) byField[name] = byField[name] ? `${byField[name]} ${message}` : message;
      else others.push({field, message});
    }
    if (problem.status === 409) {
      byField.taskId = `There is a task ${made.taskId} already. Choose another name, or change that one.`;
      report(byField);
    } else if (Object.keys(byField).length && !others.length) {
      report(byField);
    } else {
      report(byField, problemBox({title: problem.title, message: problem.message, errors: others}));
    }
  };

  const onKind = () => (labels.hidden = meanings.details.hidden = abstainBelow.hidden = value('kind') !== 'CLASSIFICATION');
  fields.kind.element.addEventListener('change', onKind);
  onKind();
  return h('form', {class: 'form', novalidate: true, on: {submit: save}},
    summary,
    card('What it is', {}, id, description, kind, labels, meanings.details),
    card('What the model reads', {}, template, sources.length > 0 && starts),
    h('details', {class: 'card more'}, h('summary', {}, h('h2', {}, 'More'), h('span', {class: 'muted'}, 'pairs, long texts, unsure answers, adaptation')),
      templatePair, overLength, abstainBelow, store.writes && scoring, enabled, trigger, store.hasEmbeddings && method),
    h('div', {class: 'form-end'}, submit, h('a', {class: 'button', href: known ? `#/tasks/${encodeURIComponent(known.taskId)}` : '#/tasks'}, 'Cancel')));
}

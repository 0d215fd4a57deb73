// One task's answer in the playground: its distribution, a click to teach, and the result.
import {h, put} from '../dom.js';
import {api, taskPath} from '../api.js';
import {store} from '../store.js';
import {bar, button, chip, nextId, outcomeChip, problemBox} from '../ui.js';
import {outcome, percent} from '../format.js';

const TOP = 5;
const OUTSIDE = 0.95;
const WORDS = 6;

const sameText = (a, b) => a && b && a.text === b.text && (a.textPair ?? '') === (b.textPair ?? '');

export function answerCard(task, {signal, again}) {
  const {taskId} = task;
  const head = h('div', {class: 'answer-head'});
  const body = h('div', {class: 'answer-body'});
  const story = h('div', {class: 'story', 'aria-live': 'polite'});
  const element = h('article', {class: 'card answer', 'aria-label': taskId, data: {answer: taskId}}, head, body, story);
  let asked = null;
  let last = null;
  let before = null;
  let taught = null;

  const title = (prediction) => put(head,
    h('h3', {}, h('a', {href: `#/tasks/${encodeURIComponent(taskId)}`}, taskId)),
    prediction && h('span', {class: 'chip mono', data: {version: prediction.adapterVersion}}, `v${prediction.adapterVersion}`),
    prediction?.taught === false && h('span', {class: 'chip', data: {taught: 'false'}, title: 'The initial adapter answers: no label has been learnt from'}, 'not taught yet'),
    prediction?.outOfScope > OUTSIDE && h('span', {class: 'chip warn', title: `Less like the task than ${percent(prediction.outOfScope, 1)} of the examples it learnt from`}, 'out of scope?'),
    prediction?.truncated && chip('cut', 'warn'),
    prediction?.approximate && chip('approximate', 'warn'));

  const labelRow = ({label, probability}, winner) => {
    const was = before?.distribution?.find((entry) => entry.label === label)?.probability ?? null;
    const right = taught?.label === label;
    const content = [
      h('span', {class: 'label-name'}, label),
      bar(probability, {before: was, kind: winner ? 'win' : ''}),
      h('span', {class: 'num'}, percent(probability, probability < 0.1 ? 1 : 0)),
    ];
    const props = {class: ['label-row', winner && 'win', right && 'right'], data: {label}};
    return store.may('teach')
      ? h('button', {type: 'button', ...props, 'aria-pressed': String(right), title: `“${label}” is right: teach it`, on: {click: () => teach(label)}}, content)
      : h('div', props, content);
  };

  const draw = () => {
    title(last);
    const opened = body.querySelector('details')?.open ?? false;
    const held = document.activeElement?.closest?.('[data-label]')?.dataset.label;
    const mine = body.contains(document.activeElement);
    const distribution = [...(last.distribution ?? [])].sort((a, b) => b.probability - a.probability);
    const rows = distribution.map((entry) => labelRow(entry, entry.label === last.label));
    put(body,
      h('p', {class: 'top-label'}, h('b', {}, outcome(last)), h('span', {class: 'num'}, percent(last.score, 1))),
      rows.slice(0, TOP),
      rows.length > TOP && h('details', {open: opened}, h('summary', {}, `all ${rows.length} labels`), rows.slice(TOP)),
      rows.length > 0 && h('div', {class: 'row'}, whyButton()),
      !rows.length && store.may('teach') && free());
    if (mine && held) body.querySelector(`[data-label="${CSS.escape(held)}"]`)?.focus();
  };

  const whyButton = () => button('Why?', {class: 'small', data: {why: taskId}, title: 'Ask again without each word', on: {click: async ({currentTarget: pressed}) => {
    const about = asked;
    pressed.disabled = true;
    try {
      const {predictions: [answer]} = await api.post('api/predict', {taskId, ...about, explain: true}, signal);
      if (!sameText(asked, about)) return;
      if (answer.error) throw Object.assign(new Error(answer.error.message), {title: answer.error.code});
      const counted = (answer.explanation ?? []).filter(({effect}) => Math.abs(effect) >= 0.005).slice(0, WORDS);
      put(story, h('p', {data: {explanation: taskId}}, counted.length
        ? ['Without a word the answer loses: ', counted.map(({words, effect}, i) => [i > 0 && ', ', h('b', {}, words), ` ${percent(effect)}`])]
        : 'No single word decides the answer.'));
    } catch (problem) {
      if (problem.name !== 'AbortError') put(story, problemBox(problem));
    } finally {
      pressed.disabled = false;
    }
  }}});

  /** For tasks without labels the right answer is typed. */
  const free = () => {
    const id = nextId('right');
    const input = h('input', {id, type: 'text', autocomplete: 'off'});
    return h('form', {class: 'row', on: {submit: (event) => {
      event.preventDefault();
      if (input.value.trim()) teach(input.value.trim());
    }}}, h('label', {for: id}, 'Right answer'), input, button('Teach', {type: 'submit', class: 'small'}));
  };

  const teach = async (label) => {
    const about = asked;
    put(story);
    try {
      await api.post(taskPath(taskId, '/examples'), {...about, label, source: 'dashboard'}, signal);
      taught = {...about, label, version: last.adapterVersion};
      draw();
      put(story, h('p', {}, h('b', {}, label), ' is noted. The task adapts by itself after enough examples, or now:'),
        h('div', {class: 'row'}, adaptNow()));
    } catch (problem) {
      if (problem.name !== 'AbortError') put(story, problemBox(problem, () => teach(label)));
    }
  };

  const adaptNow = () => button('Adapt now', {class: 'small', data: {adapt: taskId}, on: {click: async ({currentTarget: pressed}) => {
    pressed.disabled = true;
    try {
      await api.post(taskPath(taskId, '/commands'), {action: 'ADAPT', reason: 'from the playground'}, signal);
      put(story, h('p', {class: 'working'}, h('i', {class: 'spin', 'aria-hidden': 'true'}), 'Training a challenger and evaluating it on examples it has not seen …'));
    } catch (problem) {
      if (problem.name !== 'AbortError') put(story, problemBox(problem));
    }
  }}});

  const changed = () => {
    const was = outcome(before);
    const is = outcome(last);
    return h('p', {class: 'changed', data: {changed: was === is ? 'score' : 'label'}},
      h('span', {class: 'mono'}, `v${before.adapterVersion} → v${last.adapterVersion}: `),
      was === is
        ? [h('b', {}, is), ` stays, ${percent(before.score)} → ${percent(last.score)}`]
        : [h('s', {}, was), ' → ', h('b', {}, is), `, ${percent(last.score)} sure`]);
  };

  return {
    element,
    show(prediction, question) {
      if (!sameText(asked, question)) {
        before = null;
        if (!sameText(taught, question)) taught = null;
        put(story);
      } else if (last && !prediction.error && last.adapterVersion !== prediction.adapterVersion) {
        before = last;
      }
      asked = question;
      if (prediction.error) {
        last = null;
        title(null);
        put(body, problemBox({title: prediction.error.code, message: prediction.error.message}));
        return;
      }
      last = prediction;
      draw();
      if (before) {
        const note = story.querySelector('.changed');
        if (note) note.replaceWith(changed());
        else story.prepend(changed());
      }
    },
    reported(report) {
      if (!last) return;
      put(story, before && changed(),
        h('p', {data: {outcome: report.outcome}}, outcomeChip(report.outcome), ' ', report.reason),
        !report.publishedVersion && h('div', {class: 'row'}, adaptNow()));
      // The event that a version is served asks again; this is for a stream that lost it.
      if (report.publishedVersion && report.publishedVersion !== last.adapterVersion) again(report.publishedVersion);
    },
    version: () => last?.adapterVersion ?? null,
  };
}

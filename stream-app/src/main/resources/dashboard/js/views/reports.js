// Reports of attempts to adapt: as a line of a list, and in full.
import {h} from '../dom.js';
import {chip, outcomeChip} from '../ui.js';
import {ago, count, moment, number, percent, plural, words} from '../format.js';

const known = (value) => typeof value === 'number' && Number.isFinite(value);

/** Champion and challenger on one scale: two dots and what lies between. */
export function dumbbell(before, after) {
  if (!known(before) || !known(after)) return null;
  const element = h('span', {class: ['dumbbell', after >= before ? 'up' : 'down'], role: 'img',
    'aria-label': `accuracy on unseen examples ${percent(before)} before, ${percent(after)} after`});
  const place = (kind, left, width) => {
    const part = h('i', {class: kind});
    part.style.left = percent(left, 1);
    if (width !== undefined) part.style.width = percent(width, 1);
    element.append(part);
  };
  place('between', Math.min(before, after), Math.abs(after - before));
  place('champion', before);
  place('challenger', after);
  return element;
}

function served(report) {
  return report.publishedVersion
    ? `v${report.championVersion} → v${report.publishedVersion}`
    : `v${report.championVersion} stays`;
}

/** One attempt as a list item, for lists over all tasks. */
export function reportLine(report) {
  return h('li', {},
    h('div', {class: 'report-top'},
      h('a', {href: `#/tasks/${encodeURIComponent(report.taskId)}`}, report.taskId),
      outcomeChip(report.outcome),
      h('span', {class: 'mono muted'}, served(report)),
      h('time', {datetime: report.finishedAt, title: moment(report.finishedAt)}, ago(report.finishedAt))),
    h('p', {class: 'reason'}, report.reason));
}

/** "of 12 labels (47–91%)", behind a share. */
export function accuracyOf({of, low, high}) {
  return `of ${plural(of, 'label')} (${percent(low, 0).replace('%', '')}–${percent(high, 0)})`;
}

function figure(label, value) {
  return value === null ? null : h('span', {}, h('b', {}, value), ` ${label}`);
}

/** One attempt with what was compared. */
export function reportEntry(report) {
  const {before = {}, after = {}} = report;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const cell = (value) => h('td', {class: 'num'}, known(value) ? number(value) : '–');
  return h('li', {class: 'attempt', data: {outcome: report.outcome, report: report.reportId}},
    h('div', {class: 'report-top'},
      outcomeChip(report.outcome),
      h('b', {class: 'mono'}, served(report)),
      report.form && chip(words(report.form)),
      h('span', {class: 'muted'}, words(report.trigger)),
      h('time', {datetime: report.finishedAt}, moment(report.finishedAt))),
    known(before.accuracy) && known(after.accuracy) &&
      h('div', {class: 'compare'},
        h('span', {class: 'num'}, percent(before.accuracy)),
        dumbbell(before.accuracy, after.accuracy),
        h('span', {class: 'num'}, percent(after.accuracy)),
        known(report.probabilityBetter) && h('span', {class: 'muted'}, `better with probability ${report.probabilityBetter.toFixed(2)}`)),
    h('p', {class: 'reason'}, report.reason),
    h('div', {class: 'figures'},
      figure('examples', report.examples > 0 ? count(report.examples) : null),
      figure('held out', report.heldOut > 0 ? count(report.heldOut) : null),
      known(report.accuracy?.share) && figure(`${accuracyOf(report.accuracy)} since v${report.accuracy.version} serves`, percent(report.accuracy.share)),
      report.pinnedBy && figure(`by ${report.pinnedBy}`, 'pinned')),
    names.length > 0 &&
      h('details', {},
        h('summary', {}, 'All metrics'),
        h('table', {class: 'compact'},
          h('thead', {}, h('tr', {}, h('th', {}, 'metric'), h('th', {class: 'num'}, 'champion'), h('th', {class: 'num'}, 'challenger'))),
          h('tbody', {}, names.map((name) => h('tr', {}, h('th', {scope: 'row'}, name), cell(before[name]), cell(after[name])))))));
}

/** Running accuracy of all versions so far by time, oldest first, for charts. */
export function accuracyPoints(reports) {
  return reports
    .filter((report) => known(report.prequentialAccuracy))
    .map((report) => ({
      t: new Date(report.finishedAt).getTime(),
      accuracy: report.prequentialAccuracy,
      note: `${plural(report.prequentialExamples, 'label')}, ${words(report.outcome)}`,
    }))
    .sort((a, b) => a.t - b.t);
}

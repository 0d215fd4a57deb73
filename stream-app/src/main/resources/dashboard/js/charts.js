// Line charts over time and sparklines, as SVG that takes its colours from the style sheet.
import {h, put, svg} from './dom.js';
import {clock, moment} from './format.js';

const TOP = 8;
const BOTTOM = 20;
const LEFT = 4;

/** A round number at least as large, so that three lines divide it well. */
export function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((top) => top >= value * 0.999);
}

/** The same in powers of 1024, for bytes. */
export function binaryCeiling(value) {
  const unit = 1024 ** Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10));
  return ceiling(value / unit) * unit;
}

/** Charts of one group show the same moment when one of them is pointed at. */
export class Group {
  charts = [];
  point(t) {
    for (const chart of this.charts) chart.mark(t);
  }
}

export class LineChart {
  #points = [];
  #from = 0;
  #to = 1;
  #markers = [];
  #width = 0;
  #max = 1;
  #at = null;
  #svg;
  #tip;
  #said;

  /**
   * series: [{key, label, tone}] with tone one of the data colours c1..c5. `format` writes a value.
   * `round` makes the top of the scale from the largest value. Time labels are a distance from the end ("ago") or the time of day ("clock").
   */
  constructor({label, series, format, top = null, round = ceiling, height = 132, times = 'ago', group = null, dots = false}) {
    Object.assign(this, {label, series, format, top, round, height, times, group, dots});
    this.#svg = svg('svg', {class: 'chart-plot', role: 'img', 'aria-label': label});
    this.#tip = h('div', {class: 'chart-tip', hidden: true});
    this.#said = h('span', {class: 'sr', 'aria-live': 'polite'});
    this.element = h('div', {class: 'chart', tabindex: 0, role: 'group', 'aria-label': `${label}. Arrow keys read values.`},
      this.#svg, this.#tip, this.#said);
    this.element.style.height = `${height}px`;
    this.element.addEventListener('pointermove', (event) => this.#hover(event));
    this.element.addEventListener('pointerleave', () => this.#point(null));
    this.element.addEventListener('blur', () => this.#point(null));
    this.element.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(([entry]) => {
      const width = Math.floor(entry.contentRect.width);
      if (width !== this.#width) {
        this.#width = width;
        this.#draw();
      }
    }).observe(this.element);
    group?.charts.push(this);
  }

  /** points: [{t, [key]: number|null}] by time; markers: [{t, label}] are vertical lines. */
  update(points, [from, to], markers = []) {
    this.#points = points;
    this.#from = from;
    this.#to = Math.max(to, from + 1);
    this.#markers = markers;
    this.#draw();
  }

  #x(t) {
    return LEFT + ((t - this.#from) / (this.#to - this.#from)) * (this.#width - LEFT - 6);
  }

  #y(value) {
    const room = this.height - TOP - BOTTOM;
    return TOP + room * (1 - Math.max(0, Math.min(1, value / this.#max)));
  }

  #draw() {
    if (this.#width < 40) return;
    const seen = this.#points.filter((point) => point.t >= this.#from);
    const highest = Math.max(0, ...seen.flatMap((point) => this.series.map(({key}) => point[key] ?? 0)));
    this.#max = this.top ?? this.round(highest * 1.15);
    this.#svg.setAttribute('viewBox', `0 0 ${this.#width} ${this.height}`);
    put(this.#svg, this.#grid(), this.#lines(seen), this.#marks(), this.#scale(), svg('g', {class: 'chart-hover'}));
    if (this.#at !== null) this.mark(this.#at);
  }

  #grid() {
    return [0, 0.5, 1].map((part) => {
      const y = Math.round(this.#y(part * this.#max)) + 0.5;
      return svg('line', {x1: 0, x2: this.#width, y1: y, y2: y, class: part === 0 ? 'axis' : 'rule'});
    });
  }

  /** Drawn after the lines, so that it can be read where they cross it. */
  #scale() {
    const values = [0.5, 1].map((part) =>
      svg('text', {x: 2, y: Math.round(this.#y(part * this.#max)) + 12, class: 'tick'}, this.format(part * this.#max)));
    const times = (this.#width > 260 ? [0, 0.5, 1] : [0, 1]).map((part) => {
      const t = this.#from + part * (this.#to - this.#from);
      const anchor = part === 0 ? 'start' : part === 1 ? 'end' : 'middle';
      return svg('text', {x: this.#x(t), y: this.height - BOTTOM + 14, class: 'tick', 'text-anchor': anchor}, this.#time(t));
    });
    return [values, times];
  }

  #time(t) {
    if (this.times === 'clock') return this.#to - this.#from < 600_000 ? clock(t) : moment(t);
    const seconds = Math.round((this.#to - t) / 1000);
    if (seconds < 1) return 'now';
    if (seconds < 60) return `${seconds} s ago`;
    return `${Math.round((seconds / 60) * 2) / 2} min ago`;
  }

  /** A line breaks where a value is missing. */
  #lines(points) {
    return this.series.map(({key, tone}, index) => {
      const runs = [];
      let run = null;
      for (const point of points) {
        if (typeof point[key] !== 'number') {
          run = null;
        } else {
          if (!run) runs.push((run = []));
          run.push([this.#x(point.t), this.#y(point[key])]);
        }
      }
      const paths = runs.map((xy) => {
        const line = `M${xy.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}`;
        const base = this.#y(0);
        return [
          index === 0 && xy.length > 1 &&
            svg('path', {d: `${line}L${xy.at(-1)[0].toFixed(1)} ${base}L${xy[0][0].toFixed(1)} ${base}Z`, class: `area ${tone}`}),
          svg('path', {d: line, class: `line ${tone}`}),
          (this.dots || xy.length === 1) && xy.map(([x, y]) => svg('circle', {cx: x, cy: y, r: 2.8, class: `dot ${tone}`})),
        ];
      });
      return svg('g', {}, paths);
    });
  }

  #marks() {
    let free = -Infinity;
    return this.#markers
      .filter(({t}) => t >= this.#from && t <= this.#to)
      .map(({t, label}) => {
        const x = this.#x(t);
        const room = x > free;
        if (room) free = x + label.length * 7 + 4;
        return svg('g', {class: 'marker'},
          svg('line', {x1: x, x2: x, y1: TOP, y2: this.height - BOTTOM}),
          room && svg('text', {x: Math.min(x + 4, this.#width - label.length * 7), y: TOP + 9}, label));
      });
  }

  #nearest(t) {
    let best = null;
    for (const point of this.#points) {
      if (point.t >= this.#from && (!best || Math.abs(point.t - t) < Math.abs(best.t - t))) best = point;
    }
    return best;
  }

  #hover(event) {
    const x = event.clientX - this.element.getBoundingClientRect().left;
    this.#point(this.#from + ((x - LEFT) / (this.#width - LEFT - 6)) * (this.#to - this.#from));
  }

  #point(t) {
    if (this.group) this.group.point(t);
    else this.mark(t);
  }

  #key(event) {
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (event.key === 'Escape') this.#point(null);
    if (!step || !this.#points.length) return;
    event.preventDefault();
    const seen = this.#points.filter((point) => point.t >= this.#from);
    const at = this.#at === null ? seen.length - 1 : seen.indexOf(this.#nearest(this.#at)) + step;
    const point = seen[Math.max(0, Math.min(seen.length - 1, at))];
    this.#point(point.t);
    this.#said.textContent = this.#words(point);
  }

  #words(point) {
    return `${clock(point.t)}: ${this.series.map(({key, label}) => `${label} ${this.format(point[key])}`).join(', ')}`;
  }

  /** Shows the values next to a moment, or none. */
  mark(t) {
    this.#at = t;
    const layer = this.#svg.querySelector('.chart-hover');
    const point = t === null ? null : this.#nearest(t);
    this.#tip.hidden = !point;
    if (!layer) return;
    put(layer);
    if (!point) return;
    const x = this.#x(point.t);
    layer.append(svg('line', {x1: x, x2: x, y1: TOP, y2: this.height - BOTTOM}));
    for (const {key, tone} of this.series) {
      if (typeof point[key] === 'number') layer.append(svg('circle', {cx: x, cy: this.#y(point[key]), r: 3.4, class: `dot ${tone}`}));
    }
    put(this.#tip, h('time', {}, this.times === 'clock' ? moment(point.t) : clock(point.t)),
      this.series.map(({key, label, tone}) =>
        h('div', {}, h('i', {class: `key ${tone}`}), h('span', {}, label), h('b', {}, this.format(point[key])))),
      point.note && h('p', {}, point.note));
    const left = x > this.#width / 2 ? x - this.#tip.offsetWidth - 10 : x + 10;
    this.#tip.style.transform = `translate(${Math.max(0, Math.round(left))}px, 4px)`;
  }
}

/** A line without axes; values are null where nothing is known. */
export function sparkline(values, {low = 0, high = null, width = 96, height = 26, label = ''} = {}) {
  const top = high ?? Math.max(1e-9, ...values.map((value) => value ?? 0));
  const x = (index) => 2 + (values.length < 2 ? width - 4 : (index / (values.length - 1)) * (width - 4));
  const y = (value) => height - 3 - ((value - low) / (top - low)) * (height - 6);
  const xy = values.map((value, index) => [x(index), y(value ?? low)]);
  const line = xy.map(([px, py]) => `${px.toFixed(1)} ${py.toFixed(1)}`).join('L');
  return svg('svg', {class: 'spark', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label},
    values.length > 1 && svg('path', {d: `M${line}L${width - 2} ${height}L2 ${height}Z`, class: 'area c1'}),
    values.length > 1 && svg('path', {d: `M${line}`, class: 'line c1'}),
    values.length > 0 && svg('circle', {cx: xy.at(-1)[0], cy: xy.at(-1)[1], r: 2.2, class: 'dot c1'}));
}

// Task embeddings on a plane: near tasks do similar work. The same as a table for who prefers one.
import {h, put, svg} from '../dom.js';
import {api} from '../api.js';
import {store} from '../store.js';
import {bar, button, card, empty, filterField, heading, into} from '../ui.js';
import {percent} from '../format.js';

const EDGE = 60;
/** The drawing's own measures; a phone gets a narrow one with larger letters. */
const WIDE = {width: 900, height: 620, letter: 6.9};
const NARROW = {width: 480, height: 430, letter: 9};

/** Points in the drawing's coordinates, both axes on the same scale. */
function place(items, {width, height}) {
  const xs = items.map(({x}) => x);
  const ys = items.map(({y}) => y);
  const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;
  const [cx, cy] = [middle(xs), middle(ys)];
  const reach = (values, room) => room / Math.max(1e-9, Math.max(...values) - Math.min(...values));
  const scale = Math.min(reach(xs, width - 2.6 * EDGE), reach(ys, height - 2 * EDGE));
  return items.map((item) => ({...item, px: width / 2 + (item.x - cx) * scale, py: height / 2 - (item.y - cy) * scale}));
}

/** Which labels have space, the most important first; the others appear when pointed at. */
function labelled(points, {width: edge, letter}) {
  const taken = points.map(({px, py}) => ({l: px - 7, r: px + 7, t: py - 7, b: py + 7}));
  const sides = [[11, 4, 'start'], [-11, 4, 'end'], [0, -12, 'middle'], [0, 20, 'middle']];
  return new Map([...points].sort((a, b) => Number(a.source) - Number(b.source)).map((point) => {
    const width = point.taskId.length * letter;
    for (const [dx, dy, anchor] of sides) {
      const l = point.px + dx - {start: 0, end: width, middle: width / 2}[anchor];
      const box = {l, r: l + width, t: point.py + dy - 11, b: point.py + dy + 3};
      const own = ({l: x, t: y}) => x === point.px - 7 && y === point.py - 7;
      if (box.l > 4 && box.r < edge - 4 && !taken.some((other) => !own(other) && box.l < other.r && box.r > other.l && box.t < other.b && box.b > other.t)) {
        taken.push(box);
        return [point.taskId, {dx, dy, anchor}];
      }
    }
    return [point.taskId, null];
  }));
}

function scatter(points, size, show) {
  const labels = labelled(points, size);
  const byId = new Map(points.map((point) => [point.taskId, point]));
  const links = svg('g', {class: 'map-links'});
  const nodes = new Map();
  const layer = svg('g', {});
  for (const point of points) {
    const at = labels.get(point.taskId);
    const {dx, dy, anchor} = at ?? {dx: 11, dy: 4, anchor: point.px > size.width * 0.6 ? 'end' : 'start'};
    const node = svg('g', {class: ['map-node', point.source ? 'source' : 'own', !at && 'crowded'], tabindex: -1, role: 'button',
      'aria-label': `${point.taskId}, ${point.source ? 'known to the model' : `version ${point.version ?? 0}`}`, 'data-node': point.taskId,
      transform: `translate(${point.px.toFixed(1)} ${point.py.toFixed(1)})`},
      svg('circle', {r: 16, class: 'hit'}),
      svg('circle', {r: point.source ? 5 : 6.5, class: 'mark'}),
      svg('text', {x: anchor === 'end' && !at ? -11 : dx, y: dy, 'text-anchor': anchor}, point.taskId));
    nodes.set(point.taskId, node);
    layer.append(node);
  }
  let current = null;
  const select = (taskId) => {
    if (current === taskId) return;
    current = taskId;
    const point = byId.get(taskId);
    const near = new Set(point?.neighbours?.map((neighbour) => neighbour.taskId));
    for (const [id, node] of nodes) {
      node.classList.toggle('chosen', id === taskId);
      node.classList.toggle('near', near.has(id));
      node.classList.toggle('far', Boolean(point) && id !== taskId && !near.has(id));
      node.setAttribute('tabindex', id === taskId ? '0' : '-1');
    }
    put(links, point?.neighbours?.filter((neighbour) => byId.has(neighbour.taskId)).map(({taskId: id, similarity}) => {
      const to = byId.get(id);
      const line = svg('line', {x1: point.px, y1: point.py, x2: to.px, y2: to.py});
      line.style.opacity = String(Math.max(0.25, Math.min(1, similarity)));
      return line;
    }));
    show(point);
  };
  /** The nearest point in the direction of an arrow key. */
  const towards = (from, [dx, dy]) => {
    let best = null;
    let least = Infinity;
    for (const point of points) {
      const along = (point.px - from.px) * dx + (point.py - from.py) * dy;
      const aside = Math.abs((point.px - from.px) * dy) + Math.abs((point.py - from.py) * dx);
      const cost = along + 2 * aside;
      if (along > 1 && cost < least) [best, least] = [point, cost];
    }
    return best;
  };
  const chart = svg('svg', {class: 'map', viewBox: `0 0 ${size.width} ${size.height}`, role: 'group', 'aria-label': 'Task embeddings. Arrow keys move between tasks.'}, links, layer);
  const nodeOf = (event) => event.target.closest?.('[data-node]')?.getAttribute('data-node');
  chart.addEventListener('pointerover', (event) => nodeOf(event) && select(nodeOf(event)));
  chart.addEventListener('focusin', (event) => nodeOf(event) && select(nodeOf(event)));
  chart.addEventListener('click', (event) => nodeOf(event) && (select(nodeOf(event)), nodes.get(nodeOf(event)).focus()));
  chart.addEventListener('keydown', (event) => {
    const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    const from = byId.get(nodeOf(event));
    if (!from) return;
    if (event.key === 'Enter' && store.tasks.has(from.taskId)) location.hash = `#/tasks/${encodeURIComponent(from.taskId)}`;
    if (!way) return;
    event.preventDefault();
    const to = towards(from, way);
    if (to) nodes.get(to.taskId).focus();
  });
  (nodes.get(points.find(({source}) => !source)?.taskId) ?? nodes.values().next().value).setAttribute('tabindex', '0');
  return {
    element: chart,
    find(wanted) {
      for (const [id, node] of nodes) node.classList.toggle('missed', Boolean(wanted) && !id.toLowerCase().includes(wanted));
    },
  };
}

function neighboursOf(point) {
  if (!point) {
    return empty('Point at a task', 'Its nearest tasks are shown here. With the keyboard: Tab into the map, then the arrow keys.');
  }
  const defined = point.defined ?? store.tasks.has(point.taskId);
  return [
    h('h3', {}, defined ? h('a', {href: `#/tasks/${encodeURIComponent(point.taskId)}`}, point.taskId) : point.taskId),
    h('p', {class: 'muted'}, point.source && !defined ? 'Known to the model from its training; new tasks can start from it.' : point.version ? `Serves version ${point.version}.` : 'Serves the initial adapter.'),
    h('ol', {class: 'near'}, (point.neighbours ?? []).map(({taskId, similarity}) =>
      h('li', {}, h('span', {}, taskId), bar(similarity), h('b', {class: 'num'}, similarity.toFixed(2))))),
    h('p', {class: 'hint'}, 'Cosine of the embeddings; 1 is the same direction.'),
  ];
}

function asTable(points) {
  const body = h('tbody', {}, points.map((point) => h('tr', {data: {id: point.taskId.toLowerCase()}},
    h('th', {scope: 'row'}, point.taskId),
    h('td', {'data-label': 'From'}, point.source ? 'the model' : point.version ? `version ${point.version}` : 'its start'),
    h('td', {'data-label': 'Place', class: 'mono'}, `${point.x.toFixed(2)}, ${point.y.toFixed(2)}`),
    h('td', {'data-label': 'Nearest'}, (point.neighbours ?? []).slice(0, 3).map(({taskId, similarity}) => `${taskId} ${similarity.toFixed(2)}`).join(' · ')))));
  return {
    element: h('table', {class: 'table'}, h('thead', {}, h('tr', {}, ['Task', 'From', 'Place', 'Nearest'].map((name) => h('th', {scope: 'col'}, name)))), body),
    find(wanted) {
      for (const row of body.children) row.hidden = Boolean(wanted) && !row.dataset.id.includes(wanted);
    },
  };
}

export function map({signal}) {
  const content = h('div');
  const side = h('div', {'aria-live': 'polite'});
  let tableShown = false;
  let wanted = '';
  let loaded = null;
  let view = null;
  const draw = () => {
    const {items, explained} = loaded;
    if (!store.hasEmbeddings) return empty('This model has no task embeddings', 'It compares a text with the labels and learns label vectors from examples. A model with a hypernetwork, such as starter-t5-mini, has a map of its tasks.');
    if (!items.length) return empty('No tasks on the map yet', 'A task appears here once it is defined.', h('a', {class: 'button', href: '#/define'}, 'Define a task'));
    const size = matchMedia('(max-width: 760px)').matches ? NARROW : WIDE;
    const points = place(items, size);
    put(side, neighboursOf(null));
    view = tableShown ? asTable(points) : scatter(points, size, (point) => put(side, neighboursOf(point)));
    view.find(wanted);
    if (tableShown) return view.element;
    return h('div', {class: 'columns map-columns'},
      h('div', {class: 'card map-card'}, view.element,
        h('p', {class: 'legend'}, h('span', {}, h('i', {class: 'key c1'}), 'defined here'), h('span', {}, h('i', {class: 'key ring'}), 'known to the model'),
          explained && h('span', {class: 'muted'}, `The plane shows ${percent(explained[0] + explained[1])} of how they differ`))),
      card('Neighbours', {id: 'neighbours'}, side));
  };
  const load = () => into(content, signal, async () => {
    await store.loadModel(signal);
    loaded = store.hasEmbeddings ? await api.get('api/embeddings', signal) : {items: []};
    if (!store.tasksLoaded) await store.loadTasks(signal).catch(() => {});
    return draw();
  });
  const toggle = button('As a table', {id: 'as-table', 'aria-pressed': 'false', on: {click: () => {
    tableShown = !tableShown;
    toggle.setAttribute('aria-pressed', String(tableShown));
    toggle.querySelector('span').textContent = tableShown ? 'As a map' : 'As a table';
    if (loaded) put(content, draw());
  }}});
  store.when('version back', signal, load);
  load();
  return h('div', {class: 'view'},
    heading('Map', 'The embeddings of all tasks, seen from where they differ most.', filterField('Find a task', (text) => {
      wanted = text;
      view?.find(text);
    }), toggle),
    content);
}

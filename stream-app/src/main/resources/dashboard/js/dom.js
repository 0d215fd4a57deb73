// Elements without markup: everything that comes from outside is set as text, never parsed.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === 'class') {
      element.setAttribute('class', Array.isArray(value) ? value.filter(Boolean).join(' ') : value);
    } else if (name === 'data') {
      Object.assign(element.dataset, value);
    } else if (name === 'value') {
      element.value = value;
    } else {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** An HTML element: h('p', {class: 'hint', on: {click}}, 'text', child). */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** One of the drawings in index.html; decoration, so hidden from assistive technology. */
export function icon(name) {
  return svg('svg', {'aria-hidden': 'true', class: 'glyph'}, svg('use', {href: `#i-${name}`}));
}

/** Replaces what is in an element. */
export function put(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** Calls the function once things have been quiet for so long. */
export function debounce(millis, call) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...args), millis);
  };
}

/**
 * Arrow keys move among an element's items; only one of them is in the tab order. `select` finds
 * the items, which may change at any time; call the returned function after they have.
 */
export function roving(container, select) {
  const items = () => [...container.querySelectorAll(select)];
  const mark = (current) => {
    for (const item of items()) item.tabIndex = item === current ? 0 : -1;
  };
  container.addEventListener('focusin', (event) => {
    const item = event.target.closest(select);
    if (item) mark(item);
  });
  container.addEventListener('keydown', (event) => {
    const all = items();
    const at = all.indexOf(event.target.closest(select));
    const step = {ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity}[event.key];
    if (at < 0 || step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
    event.preventDefault();
    next.focus();
  });
  return () => {
    const all = items();
    if (!all.some((item) => item.tabIndex === 0 && item === document.activeElement)) mark(all[0]);
  };
}

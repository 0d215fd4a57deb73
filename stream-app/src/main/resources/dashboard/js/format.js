// Numbers and times as people read them. All functions take null and say "–".

const NONE = '–';
const known = (value) => typeof value === 'number' && Number.isFinite(value);

export function count(value) {
  return known(value) ? Math.round(value).toLocaleString('en') : NONE;
}

/** Three significant digits below 100, none after the point above. */
export function number(value) {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  return value.toLocaleString('en', {
    maximumFractionDigits: size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : 2,
  });
}

/** What a prediction says, in words. */
export function outcome(prediction) {
  if (prediction.abstained) return `no answer (${prediction.abstained})`;
  return prediction.label ?? (typeof prediction.value === 'number' ? number(prediction.value) : prediction.text) ?? '';
}

export function percent(value, digits = 0) {
  return known(value) ? `${(value * 100).toFixed(digits)}%` : NONE;
}

export function millis(value) {
  if (!known(value)) return NONE;
  if (value >= 1000) return `${number(value / 1000)} s`;
  return `${value >= 10 ? Math.round(value) : number(value)} ms`;
}

export function bytes(value) {
  if (!known(value)) return NONE;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let rest = value;
  for (; rest >= 1024 && unit < units.length - 1; unit++) rest /= 1024;
  return `${number(rest)} ${units[unit]}`;
}

export function duration(seconds) {
  if (!known(seconds)) return NONE;
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

export function ago(when) {
  const seconds = (Date.now() - new Date(when).getTime()) / 1000;
  if (!known(seconds)) return NONE;
  return seconds < 5 ? 'just now' : `${duration(seconds)} ago`;
}

export function clock(when) {
  const date = new Date(when);
  return Number.isNaN(date.getTime()) ? NONE : date.toLocaleTimeString('en-GB');
}

/** The day too, unless it is today. */
export function moment(when) {
  const date = new Date(when);
  if (Number.isNaN(date.getTime())) return NONE;
  const today = new Date().toDateString() === date.toDateString();
  const day = date.toLocaleDateString('en-GB', {day: 'numeric', month: 'short'});
  return today ? clock(date) : `${day} ${clock(date).slice(0, 5)}`;
}

export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** NOT_PROMOTED as "not promoted". */
export function words(symbol) {
  return String(symbol ?? '').toLowerCase().replaceAll('_', ' ');
}

export function versionName(served) {
  return served?.version ? `v${served.version}` : 'v0';
}

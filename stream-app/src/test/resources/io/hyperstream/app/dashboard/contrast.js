// Texts on this page whose contrast is below WCAG AA, each as a line; empty: none.
const parse = (colour) => {
  const [r, g, b, a = 1] = colour.match(/[\d.]+(?:e-?\d+)?/g).map(Number);
  return colour.startsWith('color(') ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
};
const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
const luminance = (rgb) => {
  const [r, g, b] = rgb.slice(0, 3).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const background = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) layers.unshift(parse(getComputedStyle(at).backgroundColor));
  return layers.reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
};
const opacity = (element) => {
  let all = 1;
  for (let at = element; at; at = at.parentElement) all *= Number(getComputedStyle(at).opacity);
  return all;
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const text = walker.currentNode.textContent.trim();
  const box = element.getBoundingClientRect();
  if (!text || !element.checkVisibility({opacityProperty: true, visibilityProperty: true}) || box.width < 2) continue;
  if (element.closest('.sr, .sprite, [disabled], noscript, .skip, option')) continue;
  const style = getComputedStyle(element);
  const ink = parse(element instanceof SVGElement ? style.fill : style.color);
  const paper = background(element);
  const seen = over([ink[0], ink[1], ink[2], ink[3] * opacity(element)], paper);
  const [light, dark] = [luminance(seen), luminance(paper)].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5) - 0.01) {
    found.push(`${ratio.toFixed(2)} "${text.slice(0, 40)}" ${element.tagName}.${element.getAttribute('class') ?? ''}`);
  }
}
return [...new Set(found)].slice(0, 20);

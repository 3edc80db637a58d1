// Names stay different when they are cut: a name that does not fit loses the part it shares with the others.

const ruler = document.createElement("canvas").getContext("2d");
const FAMILY = getComputedStyle(document.body).fontFamily;
function widthOf(text, size) {
  ruler.font = `${size}px ${FAMILY}`;
  return ruler.measureText(text).width;
}

// For each name, the first character at which it differs from every other one.
function differencesOf(names) {
  const order = [...names.keys()].sort((i, j) => (names[i] < names[j] ? -1 : names[i] > names[j] ? 1 : 0));
  const shared = (a, b) => {
    let at = 0;
    while (at < a.length && a[at] === b[at]) at++;
    return at;
  };
  const found = new Array(names.length).fill(0);
  for (let n = 1; n < order.length; n++) {
    const both = shared(names[order[n - 1]], names[order[n]]);
    found[order[n - 1]] = Math.max(found[order[n - 1]], both);
    found[order[n]] = both;
  }
  return found;
}
const imageDifferences = differencesOf(data.names), methodDifferences = differencesOf(methods);

const CUT = "…\u2060"; // no line breaks after it
// The whole name if it fits into this many pixels over all its lines, else the end that differs.
function fitted(name, differs, room, size) {
  if (widthOf(name, size) <= room) return name;
  const most = (textOf, longest) => { // the largest number of characters that fits
    let [low, high] = [1, longest];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (widthOf(textOf(middle), size) <= room) low = middle; else high = middle - 1;
    }
    return low;
  };
  const end = (number) => `${CUT}${name.slice(-number)}`;
  const tail = end(most(end, name.length - 1));
  if (name.length - (tail.length - CUT.length) <= differs) return tail;
  const from = Math.max(0, Math.min(differs - 2, name.length - 1));
  const halves = (number) => `${from ? CUT : ""}${name.slice(from, from + number)}${CUT}${name.slice(-number)}`;
  return halves(most(halves, Math.max(1, (name.length - from) >> 1)));
}
const NARROW = window.innerWidth < 520; // a phone
const METHOD_ROOM = NARROW ? 190 : 440; // pixels of a method's name in the first column of a table
const imageName = (i, room, size = 13) => fitted(data.names[i], imageDifferences[i], room, size);
const methodName = (k, room, size = 13) => fitted(methods[k], methodDifferences[k], room, size);

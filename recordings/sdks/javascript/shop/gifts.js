// New in release 2: enough code, used often enough, that a minifier gives out other names.

export const wrap = (name) => tie(ribbon(paper(name)));
export const card = (name, text) => tie(paper(text) + paper(name) + ribbon(text));
export const basket = (names) => names.map((name) => tie(ribbon(name)) + paper(name)).join(ribbon("-"));

function paper(name) {
  return colours(name) + ribbon(colours(name)) + colours("paper");
}

function ribbon(name) {
  return colours(name) + tie(colours("ribbon"));
}

function tie(name) {
  return colours(name).trim();
}

function colours(name) {
  return `${name}`.repeat(2);
}

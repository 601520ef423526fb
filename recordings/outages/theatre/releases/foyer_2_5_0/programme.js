// What is on, as of release 2.5.0: visitors collect points, and that came with a mistake.
const SUBTITLES = { 13: undefined };

exports.posterLine = function posterLine(show) {
  const subtitle = show in SUBTITLES ? SUBTITLES[show] : `Evening ${show}`;
  return subtitle.toUpperCase();
};

exports.isoDay = function isoDay(day) {
  return new Date(day).toISOString();
};

function stampCard(text) {
  return JSON.parse(text).stamps;
}

exports.points = function points({ card }) {
  return card === undefined ? 0 : stampCard(card) * 10;
};

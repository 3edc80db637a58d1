// The order of search results: guides before reference pages, and these before logs and benchmarks.
const weights = [
  [/^docs\/((howto|tutorials|explanations)\/(?!index)|choosing_weights$)/, 30],
  [/^docs\/[a-z_]+$/, 15],
  [/^docs\/reference\//, 0],
  [/^(CHANGELOG|benchmarks|weights|tests)\b/, -30],
];

var Scorer = {
  score: ([docName, title, anchor, descr, score]) =>
    score + (weights.find(([pattern]) => pattern.test(docName)) || [null, 0])[1],
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

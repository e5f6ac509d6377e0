// How much a page counts for the search: of those that have the words, whoever has a task or a question
// comes before whoever changes the program, and a key or an error (an entry of the index, up to 100)
// right behind a page of that title. The figures are Sphinx's own, but for `score`.
var Scorer = {
  score: ([page, , , , score, , kind]) => {
    if (kind === "index") return score * 0.18;
    if (/^(tutorial|guides)\//.test(page)) return score + 4;
    if (/^(development\/|ARCHITECTURE)/.test(page)) return score - 8;
    return score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

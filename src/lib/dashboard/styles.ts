/** The dashboard's style sheet: light or dark as the reader prefers, one column on a phone. */
export const styles = `:root {
  --back: #f5f6f8; --card: #ffffff; --text: #1a1d21; --muted: #586069; --line: #e3e6ea;
  --accent: #1f5fbf; --rise: #1a7037; --warn-back: #fff3cd; --warn: #664d03;
  --live: #1a7f37; --away: #bc4c00; --fall: #a5380b;
  --line-1: #1f5fbf; --line-2: #b84a00; --line-3: #0b7a53; --line-4: #8b3fa8; --line-5: #6b5b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0f1216; --card: #181c22; --text: #e8eaed; --muted: #a3abb5; --line: #2b313a;
    --accent: #7db0ff; --rise: #6fd08c; --warn-back: #3d3005; --warn: #ffe08a;
    --live: #4ac26b; --away: #f0883e; --fall: #ff9d6b;
    --line-1: #7db0ff; --line-2: #ff9d5c; --line-3: #5fd3a0; --line-4: #d59bff; --line-5: #e3c84a;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto; max-width: 118rem; padding: 1rem clamp(0.75rem, 3vw, 2rem) 3rem;
  background: var(--back); color: var(--text);
  font: 1rem/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif;
}
header { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 1rem; padding: 0.5rem 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; flex: 1 1 auto; letter-spacing: -0.01em; }
h2 { font-size: 1rem; margin: 0 0 0.75rem; }
.state { margin: 0; display: flex; align-items: center; gap: 0.5rem; color: var(--muted); }
.dot { width: 0.7rem; height: 0.7rem; border-radius: 50%; border: 2px solid var(--muted); }
[data-state='live'] .dot { background: var(--live); border-color: var(--live); }
[data-state='failing'] .dot, [data-state='key'] .dot, [data-state='absent'] .dot, [data-state='stale'] .dot { background: var(--away); border-color: var(--away); }
button, input {
  font: inherit; color: inherit; background: var(--card); border: 1px solid var(--muted); border-radius: 0.4rem;
  padding: 0.35rem 0.8rem;
}
button { cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
main { display: grid; gap: 1rem; }
.part { display: grid; gap: 1rem; min-width: 0; }
#asset-numbers { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; }
#numbers { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; align-items: start; }
#numbers[aria-busy='true'], #asset-numbers[aria-busy='true'] { opacity: 0.5; }
section, form {
  background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; padding: 1rem 1.1rem; min-width: 0;
}
.column { display: grid; gap: 1rem; align-content: start; min-width: 0; }
.wide, .figures { grid-column: 1 / -1; }
#stale { margin: 0; padding: 0.6rem 1.1rem; border-radius: 0.75rem; background: var(--warn-back); color: var(--warn); }
form { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: center; }
#key-form p, #not-compared { flex-basis: 100%; margin: 0; color: var(--muted); }
#choices { gap: 0.6rem 1.2rem; }
#choices p { margin: 0; }
fieldset { display: flex; flex-wrap: wrap; gap: 0.3rem; border: 0; margin: 0; padding: 0; min-width: 0; }
legend { float: left; padding: 0.35rem 0.4rem 0 0; color: var(--muted); }
fieldset label { position: relative; }
fieldset input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: pointer; }
fieldset span { display: block; padding: 0.35rem 0.7rem; border: 1px solid var(--muted); border-radius: 0.4rem; }
fieldset input:checked + span { background: var(--accent); border-color: var(--accent); color: var(--card); }
fieldset input:disabled { cursor: not-allowed; }
fieldset input:disabled + span { border-style: dashed; color: var(--muted); text-decoration: line-through; }
fieldset input:focus-visible + span { outline: 3px solid var(--accent); outline-offset: 2px; }
.find { display: flex; flex-wrap: wrap; gap: 0.3rem 0.5rem; align-items: center; margin: 0; color: var(--muted); }
.find input { color: var(--text); width: 13rem; max-width: 100%; }
.find input[type='datetime-local'] { width: 15.5rem; }
#shown { margin: 0; font-weight: 600; }
.problem { margin: 0; color: var(--away); }
.title { display: flex; gap: 1rem; justify-content: space-between; align-items: start; }
.title button { font-size: 0.85rem; padding: 0.1rem 0.6rem; }
.title h2 { overflow-wrap: anywhere; }
button.choice {
  all: unset; box-sizing: border-box; max-width: 100%; cursor: pointer; text-decoration: underline;
  text-decoration-color: var(--muted); text-underline-offset: 0.2em;
}
button.choice:hover { text-decoration-color: currentColor; }
button.choice:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button.choice[aria-pressed='true'] { font-weight: 700; color: var(--accent); }
header nav { display: flex; gap: 0.25rem; }
header nav a { padding: 0.35rem 0.8rem; border-radius: 0.4rem; color: inherit; }
header nav a[aria-current] { background: var(--accent); color: var(--card); text-decoration: none; }
.at { margin: 0; min-height: 1.45em; font-variant-numeric: tabular-nums; }
summary { cursor: pointer; color: var(--muted); }
footer .words { margin: 0 0 0.5rem; }
dl { display: grid; grid-template-columns: 2fr 1fr 2fr; gap: 1rem; margin: 0; }
dt { color: var(--muted); font-size: 0.9rem; }
dd { margin: 0; font-size: 1.6rem; font-variant-numeric: tabular-nums; line-height: 1.3; }
dd.large { font-size: clamp(2rem, 6vw, 3rem); font-weight: 650; letter-spacing: -0.02em; line-height: 1.1; }
small { font-size: 0.9rem; color: var(--muted); white-space: nowrap; }
.words { margin: 0.75rem 0 0; color: var(--muted); font-size: 0.9rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.5rem; text-align: left; border-top: 1px solid var(--line); font-weight: 400; }
thead th { border-top: 0; color: var(--muted); font-size: 0.85rem; }
th:first-child, td:first-child { padding-left: 0; }
td:last-child, th:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }
.name {
  display: inline-block; max-width: 16rem; max-height: 2.9em; overflow: hidden;
  overflow-wrap: anywhere; vertical-align: bottom; text-decoration: inherit;
}
.id { color: var(--muted); font-size: 0.85rem; overflow-wrap: anywhere; }
.bar { display: block; height: 0.3rem; margin-top: 0.15rem; border-radius: 0.15rem; margin-left: auto; background: var(--accent); width: calc(var(--part) * 100%); min-width: 2px; }
.rise { color: var(--rise); }
.fall { color: var(--fall); }
#lateness th { width: 8rem; vertical-align: top; }
#lateness .late { color: var(--away); }
.percent { display: block; font-size: 0.85rem; }
.swatch {
  display: inline-block; width: 1.6rem; margin-right: 0.5rem; vertical-align: middle; border-top: 3px solid var(--colour);
}
.swatch[data-dash='1'] { border-top-style: dashed; }
.swatch[data-dash='2'] { border-top-style: dotted; }
.swatch[data-dash='3'] { border-top-style: double; border-top-width: 4px; }
.swatch[data-dash='4'] { border-top-style: dashed; border-top-width: 2px; }
#legend { width: auto; max-width: 100%; margin-top: 0.5rem; }
.none { color: var(--muted); }
td:has(.bar) { width: 45%; }
#history, #prices { width: 100%; min-height: 220px; overflow: hidden; }
@media (min-width: 75rem) {
  #numbers { grid-template-columns: minmax(0, 1.35fr) minmax(0, 1fr) minmax(0, 1fr); }
  .column { display: contents; }
  td:has(.bar) { width: 30%; }
}
@media (max-width: 46rem) {
  #numbers { grid-template-columns: minmax(0, 1fr); }
  dl { grid-template-columns: 1fr 1fr; }
  dl > div:first-child { grid-column: 1 / -1; }
  dd { font-size: 1.3rem; }
  h1 { font-size: 1.15rem; }
  .name { max-width: 9rem; }
  #legend .name { max-width: 7.5rem; }
  .compared .category { display: none; }
  .compared td:has(.bar) { width: auto; }
  .files { text-align: right; }
  .files button { margin-bottom: 0.2rem; }
  th, td { padding: 0.35rem 0.3rem; }
  table { font-size: 0.9rem; }
}
@media (prefers-reduced-motion: reduce) {
  * { transition: none !important; animation: none !important; scroll-behavior: auto !important; }
}
@media print {
  :root {
    --back: #ffffff; --card: #ffffff; --text: #000000; --muted: #444444; --line: #bbbbbb; --accent: #1f5fbf; --rise: #1a7037;
    --fall: #a5380b; --line-1: #1f5fbf; --line-2: #b84a00; --line-3: #0b7a53; --line-4: #8b3fa8; --line-5: #6b5b00;
  }
  body { max-width: none; padding: 0; }
  button:not(.choice), form, nav, .state, details { display: none !important; }
  button.choice { text-decoration: none; }
  section { break-inside: avoid; }
}
`;

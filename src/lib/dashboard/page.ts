/** A group of buttons of which one is chosen. Each button has the id GROUP-VALUE. */
const choose = (group: string, legend: string, values: readonly (readonly [string, string])[]) => {
  const labels = values.map(
    ([value, label]) =>
      `<label><input type="radio" name="${group}" id="${group}-${value}" value="${value}"><span>${label}</span></label>`,
  );
  return `<fieldset><legend>${legend}</legend>${labels.join('')}</fieldset>`;
};

const periods = [
  ['15m', '15 min'],
  ['1h', '1 h'],
  ['24h', '24 h'],
  ['48h', '48 h'],
  ['7d', '7 d'],
  ['31d', '31 d'],
  ['all', 'since the beginning'],
] as const;
const pricePeriods = [
  ['24h', '1 day'],
  ['7d', '7 days'],
  ['31d', '31 days'],
] as const;
const comparisons = [
  ['none', 'nothing'],
  ['before', 'the time before'],
  ['yesterday', 'the same time yesterday'],
  ['lastWeek', 'the same time last week'],
] as const;

/** The dashboard's page. It contains no data: its scripts ask the API, with the key that came in the fragment of the page's URL. */
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Clicks per product</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="dashboard/uPlot.css">
<link rel="stylesheet" href="dashboard/dashboard.css">
<script defer src="dashboard/uPlot.js"></script>
<script type="module" src="dashboard/main.js"></script>
</head>
<body>
<header>
  <h1 id="title">Clicks per product</h1>
  <nav aria-label="What is shown"><a id="tab-clicks" href="#">Clicks</a> <a id="tab-assets" href="#tab=assets">Assets</a></nav>
  <p class="state"><span class="dot" aria-hidden="true"></span><span id="connection" role="status">Connecting</span></p>
  <button id="pause" type="button">Pause</button>
</header>
<main>
  <p id="stale" role="status" hidden></p>
  <form id="key-form" hidden>
    <label for="key">Function key</label>
    <input id="key" type="password" autocomplete="off" required>
    <button type="submit">Use</button>
    <p>It is kept in this tab alone, and sent to this app alone. No link, file or print of this page holds it.</p>
  </form>
  <p id="choice-problem" class="problem" role="alert" hidden></p>
  <p id="download-problem" class="problem" role="alert" hidden></p>
  <form id="choices" aria-label="What is shown" hidden>
    ${choose('period', 'Period', periods)}
    ${choose('compare', 'Compared with', comparisons)}
    <p id="not-compared" role="status" hidden></p>
    <p><label><input id="fine" type="checkbox"> Finer chart</label></p>
    <p class="find"><label for="search">Find products</label> <input id="search" type="search" maxlength="100" placeholder="name or number" autocomplete="off"></p>
    <button id="all-categories" type="button" hidden></button>
    <button id="all-products" type="button" hidden></button>
  </form>
  <form id="asset-choices" aria-label="Which assets are shown" hidden>
    <p class="find"><label for="find">Find assets</label> <input id="find" type="search" maxlength="100" placeholder="name or symbol" autocomplete="off"></p>
    ${choose('prices', 'Prices of the last', pricePeriods)}
  </form>
  <form id="mark-form" aria-label="Mark in the charts">
    <p class="find"><label for="mark">Mark the time</label> <input id="mark" type="datetime-local"></p>
    <p class="find"><label for="mark-label">as</label> <input id="mark-label" maxlength="100" placeholder="campaign started here" autocomplete="off"></p>
    <button id="no-mark" type="button" hidden>No mark</button>
  </form>
  <div id="clicks-part" class="part" hidden>
  <p id="shown" role="status"></p>
  <div id="numbers" hidden>
  <section class="figures" aria-label="Now">
    <dl>
      <div><dt id="total-title">Clicks</dt><dd id="total" class="large">–</dd></div>
      <div><dt>Clicks per second</dt><dd><span id="rate">–</span> <small id="rate-words" hidden></small></dd></div>
      <div><dt>Last commit</dt><dd id="age">–</dd></div>
    </dl>
    <p id="compared" class="words" hidden></p>
    <p id="since-mark" class="words" hidden></p>
  </section>
  <section class="wide">
    <div class="title"><h2 id="history-title">Clicks over time</h2><button id="history-csv" type="button" aria-label="Download the clicks over time as CSV">CSV</button></div>
    <div id="history" role="img" aria-labelledby="history-title" aria-describedby="history-words"></div>
    <p id="history-at" class="at" aria-hidden="true"></p>
    <table id="legend" aria-label="The lines of the chart" hidden>
      <thead><tr><th scope="col">Product</th><th scope="col" class="number">Clicks in the chart</th></tr></thead>
      <tbody id="lines"></tbody>
    </table>
    <p id="history-words" class="words"></p>
  </section>
  <section>
    <div class="title"><h2 id="products-title">Top products</h2><span class="files"><button id="changes-csv" type="button" aria-label="CSV of changes: download those of all products" hidden>CSV of changes</button> <button id="products-csv" type="button" aria-label="Download all of these products as CSV">CSV</button></span></div>
    <p id="products-words" class="words" role="status" hidden></p>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="products-title">
      <table aria-labelledby="products-title">
        <thead><tr><th scope="col">Product</th><th scope="col" class="number category">Category</th><th scope="col" class="number">Clicks</th><th id="products-change" scope="col" class="number" hidden>Change</th></tr></thead>
        <tbody id="products"></tbody>
      </table>
    </div>
  </section>
  <div class="column">
  <section>
    <div class="title"><h2 id="trending-title">Trending</h2><button id="trending-csv" type="button" aria-label="Download these rising products as CSV">CSV</button></div>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="trending-title">
      <table aria-labelledby="trending-title" aria-describedby="trending-words">
        <thead><tr><th scope="col">Product</th><th scope="col" class="number">Before</th><th scope="col" class="number">Now</th><th scope="col" class="number">Change</th></tr></thead>
        <tbody id="trending"></tbody>
      </table>
    </div>
    <p id="trending-words" class="words"></p>
  </section>
  <section>
    <div class="title"><h2 id="categories-title">Share by category</h2><button id="categories-csv" type="button" aria-label="Download the clicks by category as CSV">CSV</button></div>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="categories-title">
      <table aria-labelledby="categories-title">
        <thead><tr><th scope="col">Category</th><th scope="col" class="number">Clicks</th><th scope="col" class="number">Share</th></tr></thead>
        <tbody id="categories"></tbody>
      </table>
    </div>
  </section>
  </div>
  </div>
  </div>
  <div id="assets-part" class="part" hidden>
  <div id="asset-numbers" hidden>
  <section id="price-section" class="wide" hidden>
    <div class="title"><h2 id="prices-title">Price over time</h2><button id="prices-csv" type="button" aria-label="CSV: download the prices over time">CSV</button></div>
    <div id="prices" role="img" aria-labelledby="prices-title" aria-describedby="prices-words"></div>
    <p id="prices-at" class="at" aria-hidden="true"></p>
    <p id="prices-words" class="words"></p>
  </section>
  <section class="wide">
    <div class="title"><h2 id="assets-title">Newest prices</h2><button id="assets-csv" type="button" aria-label="CSV: download all of these assets">CSV</button></div>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="assets-title">
      <table aria-labelledby="assets-title" aria-describedby="assets-words">
        <thead><tr><th scope="col">Asset</th><th scope="col" class="number">Price</th><th scope="col" class="number">24 h</th><th scope="col" class="number">As of</th><th scope="col" class="number">Rank</th></tr></thead>
        <tbody id="assets"></tbody>
      </table>
    </div>
    <p id="assets-words" class="words" role="status"></p>
  </section>
  </div>
  </div>
  <section>
    <h2 id="lateness-title">How current the numbers are</h2>
    <table aria-labelledby="lateness-title"><tbody id="lateness"></tbody></table>
  </section>
  <footer><p id="as-of" class="words"></p><details><summary>Where the numbers come from</summary><p id="version"></p></details></footer>
</main>
<noscript>This page needs JavaScript; GET api/clicks does not.</noscript>
</body>
</html>
`;

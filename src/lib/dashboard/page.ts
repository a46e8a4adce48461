/** The dashboard's page. It contains no data: its scripts ask the API, with the key in the fragment of the page's URL. */
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
  <h1>Clicks per product</h1>
  <p class="state"><span class="dot" aria-hidden="true"></span><span id="connection" role="status">Connecting</span></p>
  <button id="pause" type="button">Pause</button>
</header>
<main>
  <p id="stale" role="status" hidden></p>
  <form id="key-form" hidden>
    <label for="key">Function key</label>
    <input id="key" type="password" autocomplete="off" required>
    <button type="submit">Use</button>
    <p>It is kept in the address, behind the #, and sent to this app alone.</p>
  </form>
  <section class="figures" aria-label="Now">
    <dl>
      <div><dt>Clicks</dt><dd id="total" class="large">–</dd></div>
      <div><dt>Clicks per second</dt><dd id="rate">–</dd></div>
      <div><dt>Last commit</dt><dd><span id="age">–</span> <small id="version"></small></dd></div>
    </dl>
  </section>
  <section class="wide">
    <h2 id="history-title">Clicks per minute</h2>
    <div id="history" role="img" aria-labelledby="history-title" aria-describedby="history-words"></div>
    <p id="history-words" class="words"></p>
  </section>
  <section>
    <h2 id="products-title">Top products</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="products-title">
      <table aria-labelledby="products-title">
        <thead><tr><th scope="col">Product</th><th scope="col" class="number">Category</th><th scope="col" class="number">Clicks</th></tr></thead>
        <tbody id="products"></tbody>
      </table>
    </div>
  </section>
  <div class="column">
  <section>
    <h2 id="trending-title">Trending</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="trending-title">
      <table aria-labelledby="trending-title" aria-describedby="trending-words">
        <thead><tr><th scope="col">Product</th><th scope="col" class="number">Before</th><th scope="col" class="number">Now</th><th scope="col" class="number">Change</th></tr></thead>
        <tbody id="trending"></tbody>
      </table>
    </div>
    <p id="trending-words" class="words">The last 5 full minutes against the 5 before them.</p>
  </section>
  <section>
    <h2 id="categories-title">Share by category</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="categories-title">
      <table aria-labelledby="categories-title">
        <thead><tr><th scope="col">Category</th><th scope="col" class="number">Clicks</th><th scope="col" class="number">Share</th></tr></thead>
        <tbody id="categories"></tbody>
      </table>
    </div>
  </section>
  </div>
</main>
<noscript>This page needs JavaScript; GET api/clicks does not.</noscript>
</body>
</html>
`;

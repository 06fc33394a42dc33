"use strict";
(() => {
  // Text from the block is only ever set as text: no function here takes markup.
  const D = JSON.parse(document.getElementById("block").textContent);
  if (!D) return;
  const T = D.texts;
  const N = D.tail.length;
  const FIRST = 100, STEP = 400;
  const $ = (id) => document.getElementById(id);

  const add = (parent, ...children) => {
    for (const child of children.flat()) if (child !== null && child !== undefined) parent.append(child);
    return parent;
  };
  const el = (tag, cls, ...children) => {
    const node = document.createElement(tag);
    if (cls) node.className = cls;
    return add(node, ...children);
  };

  // What stands between backticks is a setting or a command.
  const rich = (sentence) => sentence.split("`").map((piece, place) => (place % 2 ? el("code", "", piece) : piece));

  const whole = new Intl.NumberFormat("en-US");
  const cents = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
  const count = (n) => whole.format(n);
  const plural = (n, one) => `${count(n)} ${one}${n === 1 ? "" : "s"}`;
  // Rounded half up like every other amount of the report; the sums are exact.
  const money = (micros) =>
    micros === null ? "unknown" : micros > 0 && micros < 5000 ? "< $0.01" : cents.format(Math.floor((micros + 5000) / 10000) / 100);
  const time = (seconds) => (seconds === null || seconds === undefined ? "unknown" : `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`);
  const text = (place) => (place === null || place === undefined ? "" : T[place]);

  const account = (i) => D.scopes[D.scope[i]][0];
  const region = (i) => D.scopes[D.scope[i]][1];
  const arn = (i) => D.scopes[D.scope[i]][2] + D.tail[i];
  const name = (i) => D.names[i] ?? D.tail[i].slice(0, -7);
  const owner = (i) => text(D.owner[i]);
  const cost = (i) => D.cost[i][3];
  const saves = (i) => D.saves[i][0] + D.saves[i][1];
  // A replica is kept or deleted with its primary; what it saves is in the sum of the deletions.
  const goesWithPrimary = (i) => D.verdict[i] !== "delete" && D.saves[i][0] > 0;
  const shortReader = (reader, home) => {
    const parts = reader.split(":");
    if (parts[0] !== "arn" || parts.length < 6) return reader;
    const rest = parts.slice(5).join(":");
    return parts[4] && parts[4] !== home ? `${rest} of account ${parts[4]}` : rest;
  };

  const verdictMark = (word) => el("span", `verdict ${word}`, word);
  const ORDER = { delete: 0, review: 1, keep: 2 };

  // Columns: the key that sorts, how a cell shows it, and which way a first click sorts.
  const COLUMNS = [
    { id: "name", label: "Secret", key: name, cell: nameCell },
    { id: "account", label: "Account", key: account, cell: account },
    { id: "region", label: "Region", key: region, cell: region },
    { id: "owner", label: "Owner", key: owner, cell: (i) => owner(i) || "–" },
    { id: "verdict", label: "Verdict", key: (i) => ORDER[D.verdict[i]], cell: (i) => verdictMark(D.verdict[i]) },
    { id: "idle", label: "Idle days", num: true, key: (i) => D.idle[i], cell: (i) => (D.idle[i] === null ? "unknown" : count(D.idle[i])) },
    { id: "calls", label: "Calls", num: true, key: (i) => (D.cost[i][1] === null && D.calls[i] === 0 ? null : D.calls[i]), cell: (i) => (D.cost[i][1] === null && D.calls[i] === 0 ? "unknown" : estimated(i, 0, count(D.calls[i]))) },
    { id: "cost", label: "Cost per month", num: true, key: cost, cell: (i) => estimated(i, 1, money(cost(i))) },
    { id: "saves", label: "Can be saved", num: true, key: saves, cell: (i) => (saves(i) ? money(saves(i)) : "–") },
  ];

  function nameCell(i) {
    const button = el("button", "open", name(i));
    button.type = "button";
    button.addEventListener("click", () => open(i));
    const under = [account(i), region(i), owner(i)].filter(Boolean).join(" · ");
    return [el("span", "name", button), el("span", "meta under", under)];
  }

  // What was estimated from a sample has a mark, and its interval as a tip.
  function estimated(i, which, shown) {
    const found = D.estimates[i];
    return found ? between(shown, found[which], found[2]) : shown;
  }
  function between(shown, ends, doubts) {
    if (!ends) return shown;
    const node = el("span", "estimate", `~${shown}`);
    node.title = `Estimate from a sample: ${ends} with 95 % certainty${doubts ? `; ${doubts}` : ""}`;
    return node;
  }

  const state = { sort: "cost", down: true, shown: FIRST, rows: [], open: null };

  // The view is in the address, so that it survives a reload and can be sent on. It names things by their names: a number
  // would mean something else in the page of another scan.
  const VIEW = "#view?";
  const ownerWord = () => ($("owner").value && $("owner").value !== "-" ? `=${T[Number($("owner").value)]}` : $("owner").value);
  function remember() {
    const view = new URLSearchParams();
    const words = { q: $("search").value, verdict: $("verdict").value, account: $("account").value, region: $("region").value, owner: ownerWord() };
    for (const [key, word] of Object.entries(words)) if (word) view.set(key, word);
    if (state.sort !== "cost" || !state.down) view.set("sort", `${state.down ? "-" : ""}${state.sort}`);
    if (state.open !== null) view.set("secret", arn(state.open));
    const text = view.toString();
    // A link to a part of the page stays as it is, and a page without a view has an address without one.
    if (text || location.hash.startsWith(VIEW)) history.replaceState(null, "", text ? VIEW + text : location.href.split("#")[0]);
  }
  function recall() {
    if (!location.hash.startsWith(VIEW)) return false;
    const view = new URLSearchParams(location.hash.slice(VIEW.length));
    const set = (id, value) => { $(id).value = value; if ($(id).value !== value) $(id).value = ""; };
    $("search").value = view.get("q") ?? "";
    for (const id of ["verdict", "account", "region"]) set(id, view.get(id) ?? "");
    const word = view.get("owner") ?? "";
    const found = [...$("owner").options].find((one) => one.value && one.value !== "-" && `=${T[Number(one.value)]}` === word);
    set("owner", found ? found.value : word === "-" ? "-" : "");
    const sort = view.get("sort") ?? "-cost";
    const column = COLUMNS.find((one) => one.id === sort.replace("-", ""));
    [state.sort, state.down] = column ? [column.id, sort.startsWith("-")] : ["cost", true];
    const wanted = view.get("secret");
    const place = wanted === null ? -1 : D.tail.findIndex((_, i) => arn(i) === wanted);
    state.open = place < 0 ? null : place;
    return true;
  }

  // The shown secrets as CSV, with the column names of secrets.csv. A cell that a spreadsheet would run gets a quote.
  const decimal = (micros) => (micros === null ? "" : (micros / 1e6).toFixed(6));
  const csvCell = (value) => {
    const one = String(value ?? "").replace(/[\r\n\t]+/g, " ");
    const safe = /^[=+\-@]/.test(one) ? `'${one}` : one;
    return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  function csv() {
    const head = ["arn", "name", "account_id", "region", "owner", "verdict", "reasons", "idle_days", "calls", "total_usd_month", "savings_usd_month"];
    const cells = (i) => [arn(i), name(i), account(i), region(i), owner(i), D.verdict[i], D.reasons[i].map(([code]) => T[code]).join(" "), D.idle[i], D.cost[i][1] === null && D.calls[i] === 0 ? null : D.calls[i], decimal(cost(i)), decimal(saves(i))];
    return [head, ...state.rows.map(cells)].map((row) => `${row.map(csvCell).join(",")}\n`).join("");
  }
  function download() {
    const link = el("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    link.download = "secrets-selected.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // The secret in the AWS console; none in partitions whose console has an address of its own kind.
  const CONSOLES = { aws: "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com" };
  function consoleLink(i) {
    const host = CONSOLES[arn(i).split(":")[1]];
    if (!host || !/^[a-z0-9-]+$/.test(region(i))) return null;
    const link = el("a", "", "Open in the AWS console");
    const query = new URLSearchParams({ name: D.tail[i].slice(0, -7), region: region(i) });
    link.href = `https://${region(i)}.${host}/secretsmanager/secret?${query}`;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    return link;
  }
  function copyButton(i) {
    const button = el("button", "copy", "Copy ARN");
    button.type = "button";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(arn(i));
        button.textContent = "Copied";
      } catch {
        // Where a page may not write to the clipboard, the text is marked instead.
        getSelection().selectAllChildren(document.querySelector("#secret-body .arn"));
        button.textContent = "Marked: press Ctrl-C";
      }
    });
    return button;
  }

  // What a search looks in, built when somebody turns to the search box.
  let haystacks = null;
  const index = () => { haystacks ??= Array.from({ length: N }, (_, i) => haystack(i)); };
  const haystack = (i) => {
    const words = [name(i), arn(i), owner(i), D.description[i] ?? ""];
    for (const [key, value] of D.tags[i]) words.push(`${T[key]}=${T[value]}`);
    for (const row of D.readers[i]) words.push(T[row[0]], T[row[2]]);
    for (const [code] of D.reasons[i]) words.push(T[code]);
    return words.join("\n").toLowerCase();
  };

  // All secrets in the order of the view: a search only takes some of them out.
  const ordered = { by: null, down: null, rows: [] };
  function inOrder() {
    if (ordered.by === state.sort && ordered.down === state.down) return ordered.rows;
    const column = COLUMNS.find((one) => one.id === state.sort);
    const keys = Array.from({ length: N }, (_, i) => column.key(i));
    const compare = (a, b) => {
      const x = keys[a], y = keys[b];
      // What is unknown or empty stands last, whichever way is ordered.
      const none = (v) => v === null || v === "";
      if (none(x) || none(y)) return none(x) - none(y) || a - b;
      const less = typeof x === "string" ? (x < y ? -1 : x > y ? 1 : 0) : x - y;
      return (state.down ? -less : less) || a - b;
    };
    Object.assign(ordered, { by: state.sort, down: state.down, rows: Array.from(keys.keys()).sort(compare) });
    return ordered.rows;
  }

  function choose() {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length) index();
    const want = { verdict: $("verdict").value, account: $("account").value, region: $("region").value, owner: $("owner").value };
    const fits = (i) => {
      if (want.verdict && D.verdict[i] !== want.verdict && !(want.verdict === "delete" && goesWithPrimary(i))) return false;
      if (want.account && account(i) !== want.account) return false;
      if (want.region && region(i) !== want.region) return false;
      if (want.owner && (want.owner === "-" ? D.owner[i] !== null : D.owner[i] !== Number(want.owner))) return false;
      return words.every((word) => haystacks[i].includes(word));
    };
    state.rows = inOrder().filter(fits);
    state.shown = FIRST;
    show();
    remember();
  }

  function row(i, place) {
    const line = el("tr");
    line.setAttribute("aria-rowindex", String(place + 2));
    for (const column of COLUMNS) {
      const cell = add(document.createElement(column.id === "name" ? "th" : "td"), ...[column.cell(i)]);
      cell.className = `c-${column.id}${column.num ? " num" : ""}`;
      if (column.id === "name") cell.scope = "row";
      line.append(cell);
    }
    return line;
  }

  function show() {
    const body = $("rows");
    body.replaceChildren();
    append(0);
    $("table").setAttribute("aria-rowcount", String(state.rows.length + 1));
    // What is known of it; of nothing known the sum is unknown.
    let sum = state.rows.length ? null : 0, save = 0;
    for (const i of state.rows) { if (cost(i) !== null) sum += cost(i); save += saves(i); }
    const all = state.rows.length === N;
    const wanted = $("verdict").value;
    const replicas = wanted === "delete" ? state.rows.filter(goesWithPrimary).length : 0;
    const [restCost, restSaves] = D.nobody;
    const part = D.part;
    $("status").replaceChildren(
      el("b", "", plural(state.rows.length - replicas, "secret")),
      all ? "" : ` of ${count(N)}`,
      replicas ? ` and ${plural(replicas, "replica")} that would be deleted with them` : "",
      `, ${money(sum)} per month`,
      save ? `, of which ${money(save)} can be saved` : "",
      part ? `. This page holds ${count(N)} of ${plural(part.secrets, "secret")}: those to delete, those to review and the most expensive. All are in secrets.csv.` : "",
      all && !part && restCost ? `. Calls that match no secret cost another ${money(restCost)}${restSaves ? `, of which ${money(restSaves)} can be saved` : ""}.` : "",
    );
    for (const head of $("heads").children) {
      if (head.dataset.sort === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  function append(from) {
    const part = document.createDocumentFragment();
    const to = Math.min(state.shown, state.rows.length);
    for (let place = from; place < to; place++) part.append(row(state.rows[place], place));
    $("rows").append(part);
    const left = state.rows.length - to;
    $("csv").hidden = state.rows.length === 0;
    $("more").hidden = left === 0;
    $("printed").hidden = left === 0;
    $("printed").textContent = `Printed: the first ${count(to)} of ${plural(state.rows.length, "secret")}. The other ${count(left)} are in secrets.csv.`;
    $("more").textContent = `Show ${count(Math.min(left, STEP))} more of ${count(left)}`;
  }

  function heads() {
    for (const column of COLUMNS) {
      const button = el("button", "", column.label);
      button.type = "button";
      button.addEventListener("click", () => {
        const again = state.sort === column.id;
        state.down = again ? !state.down : Boolean(column.num);
        state.sort = column.id;
        choose();
      });
      // Browsers repeat no header with a button in it on the next sheet of paper, so paper gets a plain word.
      const word = el("span", "paper", column.label);
      word.setAttribute("aria-hidden", "true");
      const head = el("th", `c-${column.id}${column.num ? " num" : ""}`, button, word);
      head.scope = "col";
      head.dataset.sort = column.id;
      $("heads").append(head);
    }
  }

  function options(id, values, all) {
    const option = (value, label) => {
      const node = el("option", "", label);
      node.value = value;
      return node;
    };
    $(id).replaceChildren(option("", all), ...values.map(([value, label]) => option(value, label)));
  }

  function filters() {
    const tally = (key) => {
      const counts = new Map();
      for (let i = 0; i < N; i++) counts.set(key(i), (counts.get(key(i)) ?? 0) + 1);
      return [...counts];
    };
    const sorted = (pairs) => pairs.sort((a, b) => (a[1] < b[1] ? -1 : 1));
    const plain = (key) => sorted(tally(key).map(([value, n]) => [value, `${value} (${count(n)})`]));
    options("verdict", tally((i) => D.verdict[i]).sort((a, b) => ORDER[a[0]] - ORDER[b[0]]).map(([value, n]) => [value, `${value} (${count(n)})`]), "any verdict");
    options("account", plain(account), "all accounts");
    options("region", plain(region), "all Regions");
    options("owner", sorted(tally((i) => D.owner[i]).map(([value, n]) => (value === null ? ["-", `no owner tag (${count(n)})`] : [String(value), `${T[value]} (${count(n)})`]))), "all owners");
    let timer = 0;
    $("search").addEventListener("focus", () => setTimeout(index));
    $("search").addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(choose, 90);
    });
    $("filters").addEventListener("change", choose);
    $("filters").addEventListener("reset", () => setTimeout(choose));
    $("filters").addEventListener("submit", (event) => { event.preventDefault(); choose(); });
    $("csv").addEventListener("click", download);
    $("more").addEventListener("click", () => {
      const from = state.shown;
      state.shown += STEP;
      append(from);
      $("rows").children[from]?.querySelector("button")?.focus();
    });
  }

  // The evidence of one secret.
  function list(pairs) {
    const node = el("dl");
    for (const [term, value] of pairs) if (value !== null && value !== "") add(node, el("dt", "", term), el("dd", "", value));
    return node;
  }

  function table(label, labels, rows) {
    const head = el("tr", "", labels.map(([label, num]) => { const th = el("th", num ? "num" : "", label); th.scope = "col"; return th; }));
    const body = el("tbody", "", rows.map((cells) => el("tr", "", cells.map((cell, place) => el("td", labels[place][1] ? "num" : "", cell)))));
    const scroll = el("div", "scroll", el("table", "", el("thead", "", head), body));
    // On a phone it is wider than the window, and arrow keys move only what has the focus.
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", label);
    return scroll;
  }

  function big(value, label) {
    return el("div", "", el("b", "", value), el("span", "", label));
  }

  function evidence(i) {
    const home = account(i);
    const [storage, api, kms, total] = D.cost[i];
    const close = el("button", "close", "Close");
    close.type = "button";
    close.addEventListener("click", () => $("secret").close());
    const title = el("h2", "name", name(i));
    title.id = "secret-h";
    const parts = [
      close,
      verdictMark(D.verdict[i]),
      title,
      el("p", "arn", arn(i)),
      el("p", "tools", copyButton(i), " ", consoleLink(i)),
      el("div", "big", big(money(total), "per month"), saves(i) ? big(money(saves(i)), "can be saved") : null, big(D.idle[i] === null ? "unknown" : plural(D.idle[i], "day"), "since the last use"), big(count(D.calls[i]), "calls in the window")),
      el("h3", "", "Why this verdict"),
      el("ul", "reasons why", D.reasons[i].map(([code, sentence]) => el("li", "", rich(sentence), " ", el("code", "meta", T[code])))),
    ];
    const loops = D.loops.filter((one) => one.secret === i);
    if (loops.length) {
      parts.push(el("h3", "", "Hot loops"), el("ul", "reasons", loops.map((one) => el("li", "",
        el("b", "", shortReader(T[one.reader], home)), `: ${count(one.calls)} ${T[one.what]} calls per month from ${one.bound}${plural(one.clients, "client")}${one.interval === null ? "" : `, every ${Number(one.interval).toPrecision(2)} s ${one.sure ? "while it calls" : "at the peak"}`}${T[one.shape] ? ` (${T[one.shape]})` : ""}; ${one.saves} per month can be saved.`, one.sure ? el("p", "sure", `Estimate ${one.sure}`) : null, el("p", "advice", rich(T[one.advice]))))));
    }
    parts.push(el("h3", "", "Who read it"));
    const sure = (place, which) => D.reader_estimates[i]?.[place]?.[which];
    parts.push(D.readers[i].length
      ? table("Readers", [["Reader"], ["Kind"], ["Reads", 1], ["Describes", 1], ["Failed", 1], ["First"], ["Last"]],
          D.readers[i].map(([reader, kind, client, reads, describes, failed, , first, last], place) => [
            [el("span", "name", shortReader(T[reader], home)), el("br"), el("span", "meta", T[client])].reduce((node, part) => add(node, part), el("span")),
            T[kind], between(count(reads), sure(place, 0)), count(describes), between(count(failed), sure(place, 1)), time(first).slice(0, 10), time(last).slice(0, 10)]))
      : el("p", "none", D.evidence_days[i] ? `No calls in the ${plural(D.evidence_days[i], "day")} that the trail covers.` : "Not known: no trail covers this account and Region."));
    const findings = D.findings.filter((one) => one.secret === i && T[one.code] !== "hot-loop");
    if (findings.length) {
      parts.push(el("h3", "", "Findings"), el("ul", "reasons", findings.map(({ code, severity, text: sentence, evidence: proof, reader }) => el("li", "",
        el("span", `severity ${severity}`, severity), " ", el("code", "", T[code]), " ", rich(T[sentence]), reader === null ? "" : `: ${shortReader(T[reader], home)}`, proof ? el("span", "evidence", proof) : null))));
    }
    parts.push(el("h3", "", "Cost per month"), list([
      ["Storage", money(storage)], ["API calls", money(api)], ["KMS requests", D.customer_key[i] ? money(kms) : `${money(kms)} (AWS managed key)`],
      ["Actual cost in the window", money(D.window[i])],
      ["Estimate from a sample", i in D.estimates ? `${D.estimates[i][1]} per month, ${D.estimates[i][0]} calls, with 95 % certainty${D.estimates[i][2] ? `; ${D.estimates[i][2]}` : ""}` : null],
    ]));
    parts.push(el("h3", "", "The secret"), list([
      ["Account", account(i)], ["Region", region(i)], ["Owner", owner(i) || "no owner tag"],
      ["Last use by a consumer", D.used[i] === null ? "none seen" : `${time(D.used[i])} by ${shortReader(text(D.used_by[i]), home)}`],
      ["Last accessed (AWS)", D.accessed[i] ?? "never, or not known"],
      ["Reads in the window", `${count(D.reads[i])}, ${count(D.failed[i])} failed`],
      ["The trail covers", plural(D.evidence_days[i], "day")],
      ["Created", time(D.created[i])], ["Changed", time(D.changed[i])],
      ["Scheduled for deletion", i in D.deleted ? time(D.deleted[i]) : null],
      ["Replica of", D.replica_of[i] ?? null], ["Replicas in", (D.replicas[i] ?? []).join(", ")],
      ["Managed by", i in D.service ? T[D.service[i]] : null],
      ["Description", D.description[i] ?? null],
      ["Tags", D.tags[i].map(([key, value]) => `${T[key]} = ${T[value]}`).join("; ")],
    ]));
    return parts;
  }

  function open(i) {
    $("secret-body").replaceChildren(...evidence(i));
    $("secret").showModal();
    $("secret").scrollTop = 0;
    state.open = i;
    remember();
  }
  $("secret").addEventListener("close", () => { state.open = null; remember(); });
  // A click beside the panel closes it; Escape does so by itself.
  $("secret").addEventListener("click", (event) => { if (event.target === $("secret")) $("secret").close(); });

  for (const node of document.querySelectorAll("[data-open]")) {
    const place = Number(node.dataset.open);
    const i = D.part ? D.part.places.indexOf(place) : place;
    if (i < 0) continue;
    const button = el("button", "open", node.textContent);
    button.type = "button";
    button.addEventListener("click", () => open(i));
    node.replaceChildren(button);
  }

  // A step of the list leads to its own secrets, not to all of them.
  for (const link of document.querySelectorAll("[data-verdict]")) {
    link.addEventListener("click", () => {
      $("filters").reset();
      $("verdict").value = link.dataset.verdict;
      choose();
    });
  }

  heads();
  filters();
  $("filters").hidden = false;
  $("table").hidden = false;
  function start() {
    const asked = recall();
    const wanted = state.open;
    choose();
    if (asked) $("all").scrollIntoView();
    if (wanted !== null) open(wanted);
  }
  addEventListener("hashchange", () => {
    // A link led to a part of the page: the view goes back into the address.
    if (!location.hash.startsWith(VIEW)) { remember(); return; }
    if ($("secret").open) $("secret").close();
    start();
  });
  start();
})();

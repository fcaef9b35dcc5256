/* SPDX-License-Identifier: BSD-3-Clause
 * The fixed parts of report.html. */
#ifndef CLI_REPORT_PAGE_H
#define CLI_REPORT_PAGE_H

static const char report_style[] =
    ":root{--ink:#1c2330;--soft:#5b6675;--line:#d9dee6;--paper:#fff;--wash:#f4f6f9;--mark:#0b6bcb;"
    "--good:#16794a;--bad:#b3261e}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#9aa5b4;--line:#343c49;"
    "--paper:#14181f;--wash:#1c222b;--mark:#6cb2ff;--good:#5fcf97;--bad:#ff8a80}}"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
    "max-width:72rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}"
    "p.lead{color:var(--soft);margin:.2rem 0 1rem}"
    ".cards{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}"
    ".card{background:var(--wash);border:1px solid var(--line);border-radius:.5rem;"
    "padding:.6rem 1rem;min-width:8rem}.card b{display:block;font-size:1.5rem}"
    "table{border-collapse:collapse;width:100%;font-size:.88rem}"
    "th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--line);"
    "vertical-align:top}th{position:sticky;top:0;background:var(--wash)}"
    "code,td.m{font-family:ui-monospace,monospace;font-size:.85em}"
    ".yes{color:var(--good)}.no{color:var(--bad)}.soft{color:var(--soft)}"
    "input{font:inherit;padding:.3rem .6rem;width:100%;max-width:24rem;margin:.3rem 0;"
    "border:1px solid var(--line);border-radius:.3rem;background:var(--paper);color:inherit}"
    ".scroll{max-height:34rem;overflow:auto;border:1px solid var(--line);border-radius:.5rem}"
    ".graph{overflow:auto;background:#fff;border:1px solid var(--line);border-radius:.5rem;"
    "padding:.5rem}.graph svg{max-width:100%;height:auto}"
    "details summary{cursor:pointer}ol{margin:.2rem 0;padding-left:1.2rem}";

/* Every table has a box above it that keeps the rows containing what is typed. */
static const char report_script[] =
    "document.querySelectorAll('input[data-for]').forEach(function(box){"
    "var rows=document.querySelectorAll('#'+box.dataset.for+' tbody tr');"
    "box.addEventListener('input',function(){var text=box.value.toLowerCase();"
    "rows.forEach(function(r){r.style.display="
    "r.textContent.toLowerCase().indexOf(text)<0?'none':''})})});";

#endif

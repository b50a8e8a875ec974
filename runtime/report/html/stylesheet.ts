import { colorVariables } from '../charts/palette.js';

/** The page's style: light and dark, phone to desktop, print. No fonts or images are loaded. */
export function stylesheet(): string {
  return [
    `:root{color-scheme:light dark;${LIGHT};${colorVariables('light')}}`,
    `@media (prefers-color-scheme:dark){:root{${DARK};${colorVariables('dark')}}}`,
    BASE,
    HEADER,
    TABLES,
    CHARTS,
    PHONE,
    // Paper is white whatever the screen is.
    `@media print{:root{color-scheme:light;${LIGHT};${colorVariables('light')}}${PRINT}}`,
  ].join('\n');
}

const LIGHT =
  '--bg:#f6f7f8;--card:#fff;--ink:#1c2126;--muted:#57616b;--line:#dfe3e7;--soft:#eef1f3;--link:#0a63a5;' +
  '--pass:#00724f;--pass-bg:#e3f4ec;--fail:#b02f14;--fail-bg:#fdeae5;--invalid:#7a5200;--invalid-bg:#fdf2d8';
const DARK =
  '--bg:#0e1115;--card:#171b21;--ink:#e6e9ed;--muted:#9ba6b2;--line:#2b323b;--soft:#1f252c;--link:#7cc0f4;' +
  '--pass:#4fd6a5;--pass-bg:#12352a;--fail:#ff9078;--fail-bg:#43201a;--invalid:#f1c75b;--invalid-bg:#3a2e10';

const BASE = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Hiragino Sans","Noto Sans JP","Noto Sans CJK JP","Yu Gothic UI",sans-serif;font-variant-numeric:tabular-nums}
.page{max-width:1280px;margin:0 auto;padding:28px 24px 56px}
h1,h2,h3,h4{line-height:1.25;margin:0;text-wrap:balance}
h1{font-size:27px;letter-spacing:-.015em}
h2{font-size:20px;letter-spacing:-.01em;margin:48px 0 14px;padding-top:6px}
h3{font-size:15px;margin-bottom:8px}
figcaption h3{margin:0}
h4{font-size:14px;margin:22px 0 8px}
p{margin:0 0 10px}
a{color:var(--link)}
code{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.quiet,.unit,small{color:var(--muted)}
.unit{font-weight:400;font-size:12.5px;margin-left:4px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:0 0 20px}
.card>:last-child{margin-bottom:0}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:20px;align-items:start}
.columns>.card{margin:0}
.three{grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));align-items:stretch;margin-bottom:20px}
ul{margin:0;padding-left:1.15em}
li{margin:0 0 6px}
.facts{margin:0;display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));gap:12px 24px}
#overview .facts div:first-child{grid-column:span 2}
.facts dt{color:var(--muted);font-size:12.5px}
.facts dd{margin:0;overflow-wrap:anywhere}
.pass{color:var(--pass)}.fail{color:var(--fail)}.warn{color:var(--invalid)}
.tag{white-space:nowrap;font-weight:600}
.note{font-size:13px;color:var(--muted)}
.lead{font-size:15px}
footer{margin-top:44px;color:var(--muted);font-size:13px}`;

const HEADER = `
header{display:grid;gap:18px;grid-template-columns:minmax(0,1fr)}
.kicker{color:var(--muted);font-size:13px;margin:0 0 6px;overflow-wrap:anywhere}
.verdict{display:flex;gap:20px;align-items:center;border:1px solid;border-radius:12px;padding:18px 22px}
.verdict.PASS{color:var(--pass);background:var(--pass-bg)}
.verdict.FAIL{color:var(--fail);background:var(--fail-bg)}
.verdict.INVALID{color:var(--invalid);background:var(--invalid-bg)}
.verdict strong{font-size:34px;line-height:1;letter-spacing:.01em;white-space:nowrap;display:flex;gap:12px;align-items:center}
.verdict strong span{display:grid;place-items:center;width:42px;height:42px;border-radius:50%;border:3px solid;font-size:24px}
.verdict p{margin:0;color:var(--ink)}
.verdict p+p{margin-top:2px}
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13.5px}
nav li{margin:0}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
.numbers{display:grid;grid-template-columns:repeat(4,1fr);gap:1px;background:var(--line);border:1px solid var(--line);border-radius:10px;overflow:hidden;margin:0}
.numbers div{background:var(--card);padding:14px 18px}
.numbers dt{color:var(--muted);font-size:13px}
.numbers dd{margin:0}
.numbers .big{font-size:24px;line-height:1.3;font-weight:600;letter-spacing:-.015em;overflow-wrap:anywhere}
.numbers .big .tag{font-size:17px;margin-left:6px}
.numbers .note{display:block}`;

const TABLES = `
.scroll{overflow-x:auto;margin:0 0 12px}
.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:8px 14px 8px 0;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child>*{border-bottom:0}
tbody th{font-weight:500}
thead th{color:var(--muted);font-weight:500;font-size:12.5px;white-space:nowrap;border-bottom-color:var(--muted)}
.n{text-align:right;white-space:nowrap}
.n+:not(.n){padding-left:10px}
th:last-child,td:last-child{padding-right:0}
td .note{display:block}
.cards td:last-child{min-width:190px}
.cards td:nth-child(2){min-width:88px}
.when{white-space:nowrap}
details.more{margin:0 0 12px}
summary{cursor:pointer;color:var(--link);font-size:14px;padding:4px 0}
.identity{font-size:16px;overflow-wrap:anywhere}
.share{display:block;height:6px;border-radius:3px;background:var(--soft);min-width:90px;margin-top:8px;overflow:hidden}
.share i{display:block;height:100%;background:var(--c-blue)}`;

const CHARTS = `
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,500px),1fr));gap:20px}
.chart{margin:0;padding:14px 16px 10px;break-inside:avoid;min-width:0;display:flex;flex-direction:column}
.chart figcaption p{color:var(--muted);font-size:13px;margin:2px 0 6px}
.chart>svg{margin-top:auto}
.chart svg{display:block;width:100%;height:auto;font-family:inherit;overflow:visible}
.chart svg.narrow{display:none}
.legend{list-style:none;padding:0;margin:0 0 4px;display:flex;flex-wrap:wrap;gap:2px 14px;font-size:12.5px;color:var(--muted)}
.legend li{margin:0;display:flex;align-items:center;gap:6px}
.chart svg.sample,.legend svg.sample{flex:none;width:auto;height:10px}
.key{margin:0 0 16px;font-size:13px}
.key .legend{display:inline-flex;margin:0 0 0 10px;vertical-align:bottom}
.definitions{position:absolute;width:0;height:0;overflow:hidden}`;

const PHONE = `
@media (max-width:900px){.numbers{grid-template-columns:repeat(2,1fr)}}
@media (max-width:560px){
.page{padding:18px 14px 40px}
h1{font-size:22px}#overview .facts div:first-child{grid-column:auto}h2{margin-top:36px}
.verdict{flex-direction:column;align-items:flex-start;gap:12px;padding:16px}
.numbers div{padding:12px 14px}.numbers .big{font-size:20px}
.card{padding:14px}.chart{padding:12px 10px 8px}
.chart svg.wide{display:none}.chart svg.narrow{display:block}
nav ul{flex-wrap:nowrap;overflow-x:auto;padding-bottom:6px;white-space:nowrap}
.key .legend{margin:6px 0 0}
table.cards thead{display:none}
table.cards,table.cards tbody,table.cards tr,table.cards th,table.cards td{display:block;width:auto}
table.cards tr{border-bottom:1px solid var(--line);padding:10px 0}
table.cards tr:last-child{border-bottom:0}
table.cards th,table.cards td{border:0;padding:2px 0;min-width:0;text-align:left;white-space:normal;display:grid;grid-template-columns:104px 1fr;gap:10px}
table.cards th{font-weight:600;display:block}
table.cards td::before{content:attr(data-label);color:var(--muted);font-size:12.5px}
table.cards .n+td{padding-left:0}
}`;

const PRINT = `
body{font-size:11px;background:#fff}.page{max-width:none;padding:0}
nav{display:none}
.numbers{grid-template-columns:repeat(4,1fr)}
.card,.numbers,tr{break-inside:avoid}
h2{break-after:avoid;margin-top:24px}
.charts{grid-template-columns:1fr 1fr;gap:10px}
.chart svg.wide{display:block}.chart svg.narrow{display:none}
.scroll{overflow:visible}`;

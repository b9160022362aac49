import { Markup } from './markup.ts'

/** Colours by index, distinguishable with colour blindness, for light and dark mode. */
const light = ['#1f66d1', '#c2540a', '#0b8069', '#8a3fc0', '#a3730a', '#b3306f']
const dark = ['#6aa6ff', '#ff9a52', '#3fcfb0', '#c795f5', '#e2b54a', '#f285b5']
const colours = (values: readonly string[]) => values.map((value, i) => `--c${i}:${value};`).join('')
const classes = light
  .map((_, i) => `.c${i}{stroke:var(--c${i})}.f${i}{fill:var(--c${i})}.b${i}{background:var(--c${i})}`)
  .join('\n')

export const style = new Markup(`
:root{--page:#f6f7f9;--card:#fff;--text:#171b21;--soft:#5a6472;--line:#e1e5ea;--good:#0b7a55;--good-soft:#e4f5ee;--bad:#b3400a;--bad-soft:#fdeee4;--fast:#2f8f6f;--slow:#e08a3c;${colours(light)}}
@media (prefers-color-scheme:dark){:root{--page:#12151a;--card:#1b2027;--text:#e8ebef;--soft:#9aa5b3;--line:#303844;--good:#52d3a4;--good-soft:#14342a;--bad:#ffa266;--bad-soft:#3d2616;--fast:#3fae88;--slow:#e59950;${colours(dark)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
header,main,footer{max-width:900px;margin:0 auto;padding:0 20px}
header{padding-top:36px}
.product{margin:0;color:var(--soft);font-size:14px}
h1{margin:2px 0 6px;font-size:30px;line-height:1.2;letter-spacing:-.01em}
.asked{margin:0 0 22px;color:var(--soft);max-width:70ch}
.good{color:var(--good)}.bad{color:var(--bad)}
h2{margin:0 0 8px;font-size:19px}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px 22px;margin:0 0 18px}
.verdict{display:flex;flex-wrap:wrap;gap:6px 26px;align-items:center;border-left:6px solid}
.verdict.good{border-left-color:var(--good);background:var(--good-soft)}
.verdict.bad{border-left-color:var(--bad);background:var(--bad-soft)}
.verdict p{margin:0;max-width:60ch}
.verdict .number{font-size:50px;line-height:1.1;font-weight:700;letter-spacing:-.02em;white-space:nowrap}
.verdict .headline{font-size:20px;font-weight:650}
.verdict.good .number,.verdict.good .headline{color:var(--good)}
.verdict.bad .number,.verdict.bad .headline{color:var(--bad)}
.verdict.good,.verdict.bad{color:var(--text)}.verdict div{flex:1 1 380px}
.warning{background:var(--bad-soft);border:1px solid var(--bad);border-radius:12px;padding:12px 22px;margin:0 0 18px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin:0 0 18px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:12px 16px}
.tile dt{color:var(--soft);font-size:14px}
.tile dd{margin:0;font-size:24px;font-weight:650;font-variant-numeric:tabular-nums}
.note{margin:0 0 8px;color:var(--soft);font-size:14px}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0 0 8px;font-size:14px;color:var(--soft)}
.key i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px}
i.fast{background:var(--fast)}i.slow{background:var(--slow)}
figure{margin:0;overflow-x:auto}
svg{display:block;width:100%;min-width:560px;height:auto;font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
svg text{fill:var(--text)}
svg .tick{fill:var(--soft);font-size:11.5px}
svg .name{font-weight:650}
svg .share{font-weight:700;font-size:15px}
svg text.good{fill:var(--good)}svg text.bad{fill:var(--bad)}
svg rect.fast{fill:var(--fast)}svg rect.slow{fill:var(--slow)}svg rect.failed{fill:var(--bad)}
svg .axis{stroke:var(--soft);stroke-width:1}
svg .grid{stroke:var(--line);stroke-width:1}
svg .mark{stroke:var(--text);stroke-width:1.5}
svg .slo{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:4 4;fill:none}
svg .slo-dot{fill:var(--text)}
svg .slo-name{fill:var(--soft);font-size:12px}
svg .line{fill:none;stroke-width:2.2;stroke-linejoin:round}
svg .line.middle{stroke:var(--text)}svg .line.tail{stroke:var(--soft);stroke-width:1.6}
svg .label{font-weight:650}
svg .dot{fill-opacity:.55}
svg .dot.none{fill:var(--soft)}
svg .region{stroke:var(--card);stroke-width:2}
svg .region-name{font-weight:700;paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
${classes}
svg text.f0{fill:var(--c0)}svg text.f1{fill:var(--c1)}svg text.f2{fill:var(--c2)}svg text.f3{fill:var(--c3)}svg text.f4{fill:var(--c4)}svg text.f5{fill:var(--c5)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:6px 0 14px;font-size:14.5px;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:5px 10px 5px 0;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:500;font-size:13px}
.n{text-align:right;padding:5px 0 5px 14px}
footer{color:var(--soft);font-size:13.5px;padding-bottom:40px}
/* Phones: charts use the full width with larger text; each table row becomes a list of named values. */
@media screen and (max-width:640px){
header,main,footer{padding-left:10px;padding-right:10px}section{padding:16px 18px}figure,svg{overflow:visible}.tile dd{font-size:20px}
.verdict div{flex-basis:100%}.tiles{grid-template-columns:repeat(auto-fit,minmax(105px,1fr));gap:8px}.tile{padding:10px 12px}
svg{min-width:0;font-size:19px}svg .tick,svg .slo-name{font-size:17px}svg .share{font-size:20px}
svg .axis,svg .grid{stroke-width:1.6}svg .line{stroke-width:3.6}svg .line.tail{stroke-width:2.8}
table,tbody{display:block}thead{display:none}
tr{display:flex;flex-wrap:wrap;gap:0 16px;padding:7px 0;border-bottom:1px solid var(--line)}
td,.n{padding:0;border:0;white-space:normal;text-align:left}
td:first-child{flex:0 0 100%;font-weight:650}td:empty{display:none}
td::before{content:attr(data-name)" ";color:var(--soft);font-size:13px;font-weight:500}
}
@media print{body{background:none}section{break-inside:avoid}}
`)
